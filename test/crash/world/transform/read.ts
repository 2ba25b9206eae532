import type { Binding } from '../../../../src/api/revision.ts';
import { canonicalText, isKeyType } from '../../../../src/records/canonical.ts';
import { expectedJson, type FieldType, formatFieldType, type TypedField } from '../../../../src/records/field-types.ts';
import { documentIdOfValues, jsonString, type KeyValue, keyFields, keyJson } from '../../../../src/records/identity.ts';
import type { MicroBatch } from '../../../../src/worker/transform/intake.ts';
import type { BadRecord, TransformLimits } from '../../../../src/worker/transform/ports.ts';
import type { Row } from '../sql/evaluate.ts';

/** As large as a simulation will ever need. */
export const limits: TransformLimits = { memoryMiB: 1, recordBytes: 1_048_576, batchBytes: 4_194_304, batchRecords: 10_000 };

export type Flaw = Pick<BadRecord, 'code' | 'reason'>;

/** One record that was taken in. */
export interface Taken {
  readonly index: number;
  readonly origin: string;
  /** Undefined for a tombstone. */
  readonly value: string | undefined;
  /** The id that its Kafka key names, in JSON; empty without a key. */
  readonly key: string;
}

export const takenFrom = (batches: readonly MicroBatch[]): readonly Taken[] =>
  batches.flatMap(({ indexes, values, origins, keys }) =>
    indexes.map((index, n) => ({ index, origin: origins[n]!, value: values[n]!.length === 0 ? undefined : values[n]!.toString(), key: keys[n]! })),
  );

/** What the Kafka key must say. `Same`: the same as the value. `SameIfAny`: so, or nothing at all. */
export type KeyRule = 'Free' | 'Same' | 'SameIfAny';

/** A record as a row, or what is wrong with it. */
export type Read = { readonly row: Row } | { readonly flaw: Flaw };

/** Reads a record's value, and judges those of its fields that matter. */
export function readRow({ value, key }: Taken, fields: readonly TypedField[], keyed: readonly TypedField[], rule: KeyRule): Read {
  const flaw = (code: Flaw['code'], reason: string): Read => ({ flaw: { code, reason } });
  if (value === undefined) return flaw('GRUE-REC-001', 'the record has no value');
  const json = parseOrUndefined(value);
  if (json === undefined) return flaw('GRUE-REC-001', `the value is not valid JSON: ${value.slice(0, 80)}`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return flaw('GRUE-REC-001', `the value is not a JSON object: ${value.slice(0, 80)}`);
  const row = json as Row;
  const stray = fields.find(({ name, type }) => !fits(type, row[name]));
  if (stray) return flaw('GRUE-REC-002', `field ${stray.name} is not ${expectedJson(stray.type)} (${formatFieldType(stray.type)})`);
  const missing = keyed.find(({ name }) => (row[name] ?? null) === null);
  if (missing) return flaw('GRUE-REC-003', `the key field ${missing.name} is missing or null`);
  const isOther = key !== jsonString(documentIdOfValues(keyValues(keyed, row)));
  if (rule !== 'Free' && isOther && !(rule === 'SameIfAny' && key === ''))
    return flaw('GRUE-REC-003', `the key of the record says something else than its value: its id is ${key}`);
  return { row: { ...row, ...Object.fromEntries(fields.map(({ name, type }) => [name, valueAs(type, row[name] ?? null)])) } };
}

const wholes: readonly string[] = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT'];

/** The value of a field as the engine has it: whole numbers may also come as texts of digits. */
export const valueAs = ({ name }: FieldType, value: unknown): unknown =>
  typeof value !== 'string' ? value : wholes.includes(name) ? Number(value) : name === 'BOOLEAN' ? value === 'true' : value;

/** @param fields all of them with values that are there and fit */
export const keyValues = (fields: readonly TypedField[], row: Row): readonly KeyValue[] =>
  fields.flatMap(({ name, type }) => {
    const text = isKeyType(type) ? canonicalText(type, row[name]) : undefined;
    return isKeyType(type) && text !== undefined ? [{ name, type, text }] : [];
  });

/** The text that places a record where that is not its key: as a key is written, but null where there is nothing. */
export const placeOf = (fields: readonly TypedField[], row: Row): string =>
  `{${fields.map((field) => keyJson(keyValues([field], row)).slice(1, -1) || `${jsonString(field.name)}:null`).join(',')}}`;

export const keyOf = (binding: Binding, names: readonly string[]): readonly TypedField[] => keyFields(binding, names);

function fits(type: FieldType, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (isKeyType(type)) return canonicalText(type, value) !== undefined;
  return type.name === 'ARRAY' ? Array.isArray(value) && value.every((element) => fits(type.element, element)) : typeof value === 'number';
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON object as the engine writes it: fields in the order given, absent ones as null. */
export const objectJson = (names: readonly string[], row: Row): string =>
  `{${names.map((name) => `${jsonString(name)}:${typeof row[name] === 'string' ? jsonString(row[name]) : JSON.stringify(row[name] ?? null)}`).join(',')}}`;
