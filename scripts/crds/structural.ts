import { z } from 'zod';

/** The part of OpenAPI v3 that a structural schema may use. */
export interface StructuralSchema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const copied = [
  'description',
  'default',
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'required',
  'x-kubernetes-validations',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
] as const;

/** Of no meaning to the API server, or set anew by us. */
const left = ['$schema', '~standard', 'type', 'properties', 'items', 'additionalProperties', 'readOnly'];

/**
 * Turns a zod schema into the structural schema of a CRD. Where zod could say something that a CRD cannot (unions, maps, strict objects,
 * references), it throws and names the place: a rule that only one side knows would let in what the other refuses.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  // io: input keeps fields with a default optional; that target is the dialect that the API server reads.
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', cycles: 'throw', unrepresentable: 'throw' });
  return convert(json as Json, '');
}

function convert(json: Json, path: string): StructuralSchema {
  const refuse = (why: string): never => {
    throw new Error(`schema at ${path === '' ? 'its root' : path}: ${why}`);
  };
  for (const key of Object.keys(json))
    if (!left.includes(key) && !(copied as readonly string[]).includes(key)) refuse(`${key} cannot stand in a structural schema`);

  const base = {
    type: json['type'] as StructuralSchema['type'],
    ...Object.fromEntries(copied.flatMap((key) => (json[key] === undefined ? [] : [[key, json[key]]]))),
  };
  switch (json['type']) {
    case 'object':
      return { ...base, ...objectPart(json, path, refuse) };
    case 'array':
      return { 'x-kubernetes-list-type': 'atomic', ...base, items: convert(json['items'] as Json, `${path}[]`) };
    case 'integer':
      return integer(base);
    case 'string':
    case 'number':
    case 'boolean':
      return base;
    default:
      return refuse(`its type is ${JSON.stringify(json['type'])}`);
  }
}

function objectPart(json: Json, path: string, refuse: (why: string) => never): Partial<StructuralSchema> {
  if (json['x-kubernetes-preserve-unknown-fields'] === true) return {};
  if (json['additionalProperties'] !== undefined) refuse('a map or a strict object; only marked places may be free-form');
  const properties = Object.entries((json['properties'] ?? {}) as Readonly<Record<string, Json>>);
  return { properties: Object.fromEntries(properties.map(([name, property]) => [name, convert(property, path === '' ? name : `${path}.${name}`)])) };
}

const fitsInt32 = (bound: number | undefined) => bound !== undefined && Math.abs(bound) <= 2_147_483_647;

/** zod bounds every integer by what JavaScript can count; as a bound of the API that would say nothing. */
function integer({ minimum, maximum, ...base }: StructuralSchema): StructuralSchema {
  return {
    ...base,
    format: fitsInt32(minimum) && fitsInt32(maximum) ? 'int32' : 'int64',
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}
