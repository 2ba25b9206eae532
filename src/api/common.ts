import { z } from 'zod';

export const group = 'grue.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/** A rule in the Common Expression Language that the API server enforces, beside what the structure says. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** A rule with its twin in zod, so that both sides judge alike (a differential test holds them together). */
export interface Rule<Value> extends CelRule {
  readonly holds: (value: Value) => boolean;
}

const rulesKey = 'x-kubernetes-validations';

/** Attaches rules that hold for a value by itself. */
export const withRules = <S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S => {
  const refined = rules.reduce<S>((sofar, { message, holds }) => sofar.refine((value) => holds(value as z.output<S>), { message }) as S, schema);
  return withTransitionRules(refined, rules);
};

/** Attaches rules that compare a value with the one before (`oldSelf`): only the API server knows both, so they have no twin. */
export const withTransitionRules = <S extends z.ZodType>(schema: S, rules: readonly CelRule[]): S => {
  const already = (schema.meta()?.[rulesKey] as readonly CelRule[] | undefined) ?? [];
  return schema.meta({ [rulesKey]: [...already, ...rules.map(({ rule, message }) => ({ rule, message }))] }) as S;
};

/** A text of at most `max` characters, counted as the API server does: an emoji is one, although JavaScript counts two. */
export const text = (max: number) =>
  z
    .string()
    .refine((value) => value.length <= max || [...value].length <= max, { message: `must have at most ${max} characters` })
    .meta({ maxLength: max });

/** Not a list of our own making but a set: no item twice, and several appliers may each own some of the items. */
export const setOf = <Item extends z.ZodType<string>>(item: Item, max: number) =>
  z
    .array(item)
    .max(max)
    .refine((items) => new Set(items).size === items.length, { message: 'must not hold an item twice' })
    .meta({ 'x-kubernetes-list-type': 'set' });

/** A list in which an item is known by some of its fields: no two items agree in all of them. */
export const listBy = <Item extends z.ZodObject>(keys: readonly (keyof z.output<Item> & string)[], item: Item, max: number) =>
  z
    .array(item)
    .max(max)
    .refine((items) => new Set(items.map((each) => JSON.stringify(keys.map((key) => each[key])))).size === items.length, {
      message: `must not hold two items with the same ${keys.join(' and ')}`,
    })
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });

/** The name of a resource of ours: it becomes a label value, a topic name and an index name, so it is short and lower case. */
export const resourceName = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { message: 'must be lower case letters, digits and "-", and begin and end with a letter or digit' });

export const identifier = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { message: 'must be letters, digits and "_", and not begin with a digit' });

/** A span of time such as `90s`, `10m` or `1h30m`. */
export const duration = z
  .string()
  .max(32)
  .regex(/^([0-9]{1,6}(ms|s|m|h))+$/, { message: 'must be a span of time such as 90s, 10m or 1h30m' });

const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** @returns the length of a {@link duration} in milliseconds */
export function durationMilliseconds(span: string): number {
  let sum = 0;
  for (const [, amount, unit] of span.matchAll(/([0-9]+)(ms|s|m|h)/g)) sum += Number(amount) * milliseconds[unit as keyof typeof milliseconds];
  return sum;
}

export const platformRef = z
  .object({ name: resourceName.default('default').describe('Name of a Platform in the same namespace.') })
  .default({ name: 'default' })
  .describe('The Platform that this resource runs on.');

/** What becomes of production when the resource itself is deleted: the same on every logical resource. Outside of what a definition means. */
export const reclaim = {
  reclaimPolicy: z
    .enum(['Retain', 'Delete'])
    .optional()
    .describe(
      'What happens to what is live when this resource is deleted. Retain (also when absent): it goes on, and the same name adopts it again. Delete: it is removed after reclaimAfter, once nothing reads it.',
    ),
  reclaimAfter: duration.optional().describe('How long after its deletion it is removed, if reclaimPolicy is Delete; 1h when absent.'),
} as const;

const precisionAndScale = (type: string) => /DECIMAL\(([0-9]+), ?([0-9]+)\)/.exec(type);

const scalarType =
  'BOOLEAN|TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|STRING|DATE|DECIMAL\\(([1-9]|[12][0-9]|3[0-8]), ?[0-9]{1,2}\\)|TIMESTAMP(_LTZ)?(\\([0-6]\\))?';

/** A Flink SQL type, the subset that has a faithful counterpart in the embedded engine and in Elasticsearch. */
export const fieldType = withRules(
  z
    .string()
    .max(64)
    .regex(new RegExp(`^(ARRAY<(${scalarType})>|${scalarType})$`), {
      message: 'must be one of the types that `kubectl explain gstr.spec.schema.fields.type` lists',
    }),
  [
    {
      rule: "!self.contains('DECIMAL(') || int(self.split(',')[1].split(')')[0].trim()) <= int(self.split(',')[0].split('(')[1])",
      message: 'the scale of a DECIMAL is at most its precision',
      holds: (type) => Number(precisionAndScale(type)?.[2] ?? 0) <= Number(precisionAndScale(type)?.[1] ?? 0),
    },
  ],
);

export const field = z.object({
  name: identifier.describe('Name of the field, as it stands in the JSON of a record and in SQL.'),
  type: fieldType.describe(
    'Flink SQL type: BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s) with p up to 38, STRING, DATE, TIMESTAMP(p), TIMESTAMP_LTZ(p) with p from 0 to 6, or ARRAY<one of these>.',
  ),
});
export type Field = z.output<typeof field>;

/** The fields of a record as a user writes them: a name stands once. */
export const fields = listBy(['name'], field, 500).min(1).describe('Fields of a record, in order.');

export const keys = z.object({
  primary: setOf(identifier, 16).optional().describe('Fields whose values identify a record. Required for Change streams.'),
  partition: setOf(identifier, 16)
    .optional()
    .describe('Fields whose values choose the partition. Defaults to the primary key; without either, records are spread by their origin.'),
});
export type Keys = z.output<typeof keys>;

export const streamType = z.enum(['Append', 'Change']);

/** A free-form JSON object; what stands in it is judged by the server that it is meant for. */
export const freeForm = z.record(z.string(), z.unknown()).meta({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });

export const kindOfResource = z.enum(['Stream', 'Pipeline', 'Connection']);
export type LogicalKind = z.output<typeof kindOfResource>;

/**
 * A moment as Kubernetes writes it, such as `2026-11-21T11:00:00Z`. A pattern, and not `format: date-time`: where a format is set, the API
 * server lets an array pass for a string.
 */
export const time = z
  .string()
  .max(64)
  .regex(/^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$/, {
    message: 'must be a time such as 2026-11-21T11:00:00Z',
  });

/** Generation of the spec that a status was computed from. */
export const observedGeneration = z.int().optional().describe('Generation of the spec that this status was computed from.');

export const condition = z.object({
  type: z
    .string()
    .min(1)
    .max(316)
    .regex(/^[A-Za-z][A-Za-z0-9]*$/, { message: 'must be one word in CamelCase' })
    .describe('What is said of the object, such as Ready.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/, { message: 'must be one word in CamelCase' })
    .describe('Why, as one word for programs.'),
  message: text(32_768).describe('Why, for people.'),
  lastTransitionTime: time.describe('When the status last changed.'),
  observedGeneration: z.int().exactOptional().describe('Generation of the spec that it was computed from.'),
});

export const conditions = listBy(['type'], condition, 32).readonly().optional().describe('What is true of this object now, by the conventions of Kubernetes.');

/** What every object has beside its spec and status. Dates are strings, as the API server sends them. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

export interface Resource<Kind extends string, Spec, Status> {
  readonly apiVersion: typeof apiVersion;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status?: Status;
}
