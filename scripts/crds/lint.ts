import type { CustomResourceDefinition } from './definition.ts';
import type { StructuralSchema } from './structural.ts';

/** Floats are compared badly and printed variously, so each one is here on purpose: it is a ratio. */
const floats = ['spec.gates.parity.expect.count.min', 'spec.gates.parity.expect.count.max'];

/** The only places where anything goes, because another server judges it. */
const freeForm = /\.destination\.(mappings|settings)$/;

type Check = (schema: StructuralSchema, path: string) => string | false | undefined;

/** What holds for every field of spec and status. In the spirit of kube-api-linter; each rule says what it prevents. */
const checks: readonly Check[] = [
  // The cost of a CEL rule is estimated from the largest value there can be; without bounds the API server refuses the CRD.
  ({ type, maxLength, enum: values }) => type === 'string' && maxLength === undefined && values === undefined && 'a string needs maxLength',
  ({ type, maxItems }) => type === 'array' && maxItems === undefined && 'an array needs maxItems',
  // Server-side apply has to know whether a list is one value, a set, or items that are known by keys.
  (schema) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined && 'an array needs a list type',
  (schema) =>
    schema['x-kubernetes-list-map-keys']?.some((key) => !schema.items?.required?.includes(key)) === true && 'the keys of a list must be required in its items',
  ({ type, format }) => type === 'integer' && format !== 'int32' && format !== 'int64' && 'an integer is int32 or int64',
  ({ type, format }) => type === 'string' && format !== undefined && 'where a string has a format, the API server lets an array pass: use a pattern',
  ({ type, minimum, maximum }, path) =>
    type === 'integer' && path.startsWith('spec.') && (minimum === undefined || maximum === undefined) && 'an integer of the spec needs bounds',
  ({ type }, path) => type === 'number' && !floats.includes(path) && 'a float must be listed in the lint with a reason',
  ({ description }, path) => !path.endsWith('[]') && !description && 'a field needs a description: it is what `kubectl explain` shows',
  ({ description }) => description !== undefined && !/[.:]$/.test(description) && 'a description ends with a full stop',
  // A default within a list shows as drift in tools that compare Git with the cluster.
  (schema, path) => path.includes('[]') && schema.default !== undefined && 'no default within a list',
  (schema, path) => schema['x-kubernetes-preserve-unknown-fields'] === true && !freeForm.test(path) && 'free-form only where it is listed in the lint',
  ({ type, properties, ...schema }) =>
    type === 'object' && properties === undefined && !schema['x-kubernetes-preserve-unknown-fields'] && 'an object needs fields',
  ({ pattern }) => pattern !== undefined && unsafePattern(pattern),
];

/** Patterns are judged by two engines, JavaScript's and Go's RE2; only what means the same in both may stand in one. */
function unsafePattern(pattern: string): string | false {
  if (!pattern.startsWith('^') || !pattern.endsWith('$')) return 'a pattern is anchored at both ends';
  if (/\(\?/.test(pattern)) return 'RE2 has no lookaround, and groups with flags differ';
  if (/\\[^\]\\/.()[{}+*?^$|-]/.test(pattern)) return 'a class such as \\s or \\w, or a backreference, differs between the engines: spell it out';
  const withoutClasses = pattern.replaceAll(/\[(\\.|[^\]\\])*\]/g, 'x').replaceAll(/\\./g, 'x');
  return withoutClasses.includes('.') && 'a bare dot differs at line ends: use a class';
}

/** @returns one line per broken rule, with the kind and the path */
export function lint(definition: CustomResourceDefinition): readonly string[] {
  const { names, versions } = definition.spec;
  return versions.flatMap(({ schema: { openAPIV3Schema }, subresources }) => {
    const { spec, status } = openAPIV3Schema.properties ?? {};
    const findings = [
      ...(spec ? walk(spec, 'spec') : ['there is no spec']),
      ...(status ? [...walk(status, 'status'), ...lintStatus(status)] : ['there is no status']),
    ];
    if (subresources.status === undefined) findings.push('there is no status subresource');
    return findings.map((finding) => `${names.kind}: ${finding}`);
  });
}

function walk(schema: StructuralSchema, path: string): readonly string[] {
  const own = checks.flatMap((check) => {
    const finding = check(schema, path);
    return finding ? [`${path}: ${finding}`] : [];
  });
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => walk(field, `${path}.${name}`));
  return [...own, ...fields, ...(schema.items ? walk(schema.items, `${path}[]`) : [])];
}

const conditionFields = ['lastTransitionTime', 'message', 'reason', 'status', 'type'];

function lintStatus(status: StructuralSchema): readonly string[] {
  const findings: string[] = [];
  // The first status that an operator writes is never whole.
  if (status.required?.length) findings.push(`status: all fields are optional, not ${status.required.join(', ')}`);
  const conditions = status.properties?.['conditions'];
  if (conditions?.['x-kubernetes-list-map-keys']?.join() !== 'type') findings.push('status.conditions: a list by type');
  if ([...(conditions?.items?.required ?? [])].sort().join() !== conditionFields.join())
    findings.push(`status.conditions[]: requires ${conditionFields.join(', ')}`);
  return findings;
}
