import { category, crdVersion, crdVersionAnnotation, type KindDefinition } from '../../src/api/kinds.ts';
import { type StructuralSchema, structuralSchema } from './structural.ts';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: 'Namespaced';
    readonly versions: readonly {
      readonly name: string;
      readonly served: true;
      readonly storage: true;
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
      readonly subresources: { readonly status: Record<string, never> };
      readonly additionalPrinterColumns: readonly object[];
    }[];
  };
}

/** The CustomResourceDefinition of a kind, whole, as it is committed and installed. */
export function definitionOf(kind: KindDefinition): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}`, annotations: { [crdVersionAnnotation]: String(crdVersion) } },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: [kind.shortName],
        categories: [category],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema(kind) },
          // Without the subresource every write of the status would raise the generation, and the operator would wake itself for ever.
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
        },
      ],
    },
  };
}

function rootSchema(kind: KindDefinition): StructuralSchema {
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'Kind of this object.' },
      metadata: { type: 'object' },
      spec: structuralSchema(kind.spec),
      status: structuralSchema(kind.status),
    },
    'x-kubernetes-validations': nameRules(kind),
  };
}

/** A schema of a CRD says nothing of metadata, but a rule at the root sees the name. */
function nameRules({ name }: KindDefinition) {
  const { maxLength, pattern } = structuralSchema(name);
  return [
    { rule: `size(self.metadata.name) <= ${maxLength}`, message: `metadata.name must have at most ${maxLength} characters: it becomes part of other names` },
    {
      rule: `self.metadata.name.matches('${pattern}')`,
      message: 'metadata.name must be lower case letters, digits and "-", and begin and end with a letter or digit',
    },
  ];
}
