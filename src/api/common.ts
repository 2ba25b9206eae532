import { z } from 'zod';

export const group = 'grue.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/** Rules in the Common Expression Language that the API server enforces, beside what the structure says. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** Attaches CEL rules and their twin in zod, so that both sides judge alike (a differential test holds them together). */
export const withRules = <S extends z.ZodType>(schema: S, rules: readonly (CelRule & { readonly holds: (value: z.output<S>) => boolean })[]): S =>
  rules
    .reduce<S>((refined, { message, holds }) => refined.refine((value) => holds(value as z.output<S>), { message }) as S, schema)
    .meta({ 'x-kubernetes-validations': rules.map(({ rule, message }) => ({ rule, message })) }) as S;

/** The name of a resource of ours: it becomes a label value, a topic name and an index name, so it is short and lower case. */
export const resourceName = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

export const identifier = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

/** A span of time such as `90s`, `10m` or `1h30m`. */
export const duration = z
  .string()
  .max(32)
  .regex(/^([0-9]{1,6}(ms|s|m|h))+$/);

const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** @returns the length of a {@link duration} in milliseconds */
export function durationMilliseconds(text: string): number {
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+)(ms|s|m|h)/g)) sum += Number(amount) * milliseconds[unit as keyof typeof milliseconds];
  return sum;
}

export const platformRef = z
  .object({ name: resourceName.default('default').describe('Name of a Platform in the same namespace.') })
  .default({ name: 'default' })
  .describe('The Platform that this resource runs on.');

/** A Flink SQL type, the subset that has a faithful counterpart in the embedded engine and in Elasticsearch. */
export const fieldType = z
  .string()
  .max(64)
  .regex(/^(ARRAY<)?(BOOLEAN|TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|STRING|DATE|DECIMAL\([1-9][0-9]?, ?[0-9][0-9]?\)|TIMESTAMP(_LTZ)?(\([0-6]\))?)>?$/);

export const field = z.object({
  name: identifier.describe('Name of the field, as it stands in the JSON of a record and in SQL.'),
  type: fieldType.describe(
    'Flink SQL type: BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), STRING, DATE, TIMESTAMP(p), TIMESTAMP_LTZ(p) with p from 0 to 6, or ARRAY<one of these>.',
  ),
});
export type Field = z.output<typeof field>;

export const keys = z.object({
  primary: z.array(identifier).max(16).optional().describe('Fields whose values identify a record. Required for Change streams.'),
  partition: z
    .array(identifier)
    .max(16)
    .optional()
    .describe('Fields whose values choose the partition. Defaults to the primary key; without either, records are spread by their origin.'),
});
export type Keys = z.output<typeof keys>;

export const streamType = z.enum(['Append', 'Change']);
export type StreamType = z.output<typeof streamType>;

/** A free-form JSON object; what stands in it is judged by the server that it is meant for. */
export const freeForm = z.record(z.string(), z.unknown()).meta({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });

export const kindOfResource = z.enum(['Stream', 'Pipeline', 'Connection']);
export type LogicalKind = z.output<typeof kindOfResource>;

const time = z.string().max(64).meta({ format: 'date-time' });

export const condition = z.object({
  type: z.string().min(1).max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: time,
  observedGeneration: z.int().optional(),
});
export type Condition = z.output<typeof condition>;

export const conditions = z
  .array(condition)
  .max(32)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .describe('What is true of this object now, by the conventions of Kubernetes.');

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
export { time };
