import { createHash } from 'node:crypto';
import { GrueError } from '../api/errors.ts';
import type { Binding } from '../api/revision.ts';
import { canonicalText, isKeyType, type KeyType } from './canonical.ts';
import { parseExactJson } from './exact-json.ts';
import { parseFieldType } from './field-types.ts';
import { formatOrigin, type Origin } from './provenance.ts';

/** What identity depends on: the part of a binding that says how its records are told apart. */
export type KeyedBinding = Pick<Binding, 'stream' | 'root' | 'type' | 'fields' | 'keys' | 'orderingField'>;

export interface KeyField {
  readonly name: string;
  readonly type: KeyType;
}

/** One value of a primary key in its canonical text. */
export interface KeyValue extends KeyField {
  readonly text: string;
}

/** Elasticsearch refuses longer ids. */
export const longestId = 512;

/** One letter for each family of types, so that 1 and "1" differ, but INT and BIGINT do not: widening a key keeps its ids. */
export const typeTags = {
  BOOLEAN: 'b',
  TINYINT: 'i',
  SMALLINT: 'i',
  INT: 'i',
  BIGINT: 'i',
  DECIMAL: 'n',
  STRING: 's',
  DATE: 'd',
  TIMESTAMP: 't',
  TIMESTAMP_LTZ: 'z',
} as const satisfies Record<KeyType['name'], string>;

/** md5, because the embedded engine has it natively and two sides must agree; nothing here protects against an attacker. */
export const hash128 = (text: string): string => createHash('md5').update(text).digest('hex');

/** True if records with the same primary key replace each other. Append streams with a primary key are such: the last write wins, as declared. */
export const isKeyed = (binding: Pick<Binding, 'type' | 'keys'>): boolean => primaryKey(binding).length > 0;

export const primaryKey = (binding: Pick<Binding, 'keys'>): readonly string[] => binding.keys?.primary ?? [];

/** Fields whose values choose the partition: those declared, else the primary key. */
export const partitionKey = (binding: Pick<Binding, 'keys'>): readonly string[] => {
  const declared = binding.keys?.partition ?? [];
  return declared.length > 0 ? declared : primaryKey(binding);
};

/** @throws GrueError GRUE-API-005 for a field whose type cannot identify */
export function keyFields(binding: Pick<Binding, 'stream' | 'fields'>, names: readonly string[]): readonly KeyField[] {
  return names.map((name) => {
    const field = binding.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new GrueError('GRUE-API-006', `the key of stream ${binding.stream} names ${name}, which is none of its fields`);
    const type = parseFieldType(field.type);
    if (!isKeyType(type))
      throw new GrueError('GRUE-API-005', `field ${name} of stream ${binding.stream} is ${field.type}, which cannot be part of a key`, {
        fix: 'use a type with exact values, such as STRING, BIGINT or DECIMAL',
      });
    return { name, type };
  });
}

/** Id of a document of an Append stream without a primary key. */
export const documentIdOfOrigin = (origin: Origin): string => hash128(formatOrigin(origin));

/** Id of a document of a keyed stream: tag, length in bytes and text of each value, so that no two keys share one. */
export function documentIdOfValues(values: readonly KeyValue[]): string {
  const id = values.map(({ type, text }) => `${typeTags[type.name]}${Buffer.byteLength(text)}:${text}`).join('');
  return Buffer.byteLength(id) > longestId ? `#${hash128(id)}` : id;
}

/** External version of a document: grows with the position in the root, and with its epoch before all else. Decimal digits. */
export const documentVersion = ({ epoch, o }: Pick<Origin, 'epoch' | 'o'>): string => String((BigInt(epoch) << 48n) + o);

/** JSON of a key as Grue writes it: the key fields in their order; decimals as strings. Byte for byte what the embedded engine writes. */
export const keyJson = (values: readonly KeyValue[]): string =>
  `{${values.map(({ name, type, text }) => `${jsonString(name)}:${keyValueJson(type, text)}`).join(',')}}`;

const keyValueJson = (type: KeyType, text: string): string => (typeTags[type.name] === 'i' || type.name === 'BOOLEAN' ? text : jsonString(text));

/** A text in JSON, byte for byte as the embedded engine writes it: with the hex digits of control characters in upper case. (The first alternative steps over escaped backslashes.) */
export const jsonString = (text: string): string =>
  JSON.stringify(text).replace(/\\\\|\\u00[01][0-9a-f]/g, (match) => (match === '\\\\' ? match : `\\u${match.slice(2).toUpperCase()}`));

export type ParsedKey = { readonly values: readonly KeyValue[] } | { readonly problem: string };

/** Makes a reader of the Kafka keys of a keyed stream; made once and used for many records. */
export function keyReader(binding: KeyedBinding): (key: Buffer | null | undefined) => ParsedKey {
  const fields = keyFields(binding, primaryKey(binding));
  const only = binding.root && fields.length === 1 ? fields[0] : undefined;
  return (key) => {
    if (key === null || key === undefined) return { problem: 'the record has no key' };
    const text = key.toString();
    const json = parseOrUndefined(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json) || 'rawJSON' in json)
      return only === undefined ? { problem: `the key ${shorten(text)} is not a JSON object` } : bareKey(only, text, json);
    return keyFromObject(fields, json as Readonly<Record<string, unknown>>);
  };
}

function keyFromObject(fields: readonly KeyField[], object: Readonly<Record<string, unknown>>): ParsedKey {
  const values: KeyValue[] = [];
  for (const field of fields) {
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value === undefined || value === null) return { problem: `the key lacks the field ${field.name}` };
    const text = canonicalText(field.type, value);
    if (text === undefined) return { problem: `the field ${field.name} of the key does not fit its type ${field.type.name}` };
    values.push({ ...field, text });
  }
  return { values };
}

/** Others write keys of one value also without the object around it, as JSON or as plain text. */
function bareKey(field: KeyField, text: string, json: unknown): ParsedKey {
  const plain = field.type.name === 'STRING' && typeof json !== 'string';
  const canonical = canonicalText(field.type, plain || json === undefined ? text : json);
  return canonical === undefined || canonical === ''
    ? { problem: `the key ${shorten(text)} is no ${field.type.name}` }
    : { values: [{ ...field, text: canonical }] };
}

function parseOrUndefined(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

const shorten = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

/**
 * Id of the document that a record with this Kafka key writes or deletes.
 * @returns undefined if the key does not identify; the record is bad then
 */
export function documentIdOfKey(key: Buffer | null | undefined, binding: KeyedBinding): string | undefined {
  const parsed = keyReader(binding)(key);
  return 'values' in parsed ? documentIdOfValues(parsed.values) : undefined;
}
