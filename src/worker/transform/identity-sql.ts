import { isKeyType } from '../../records/canonical.ts';
import type { FieldType } from '../../records/field-types.ts';
import { longestId, typeTags } from '../../records/identity.ts';
import { keyJsonValue, keyText } from './values.ts';

/** The SQL twin of src/records/identity.ts; a property test holds the two together. */

export interface KeyColumn {
  readonly type: FieldType;
  /** SQL of its value. */
  readonly value: string;
}

/** Id of a document by its primary key; empty text without one. */
export function documentIdSql(key: readonly KeyColumn[]): string {
  const parts = key.map(({ type, value }) => {
    if (!isKeyType(type)) throw new TypeError(`${type.name} cannot be part of a key`);
    const text = keyText(type, value);
    return `'${typeTags[type.name]}' || strlen(${text}) || ':' || ${text}`;
  });
  if (parts.length === 0) return "''";
  const id = `(${parts.join(' || ')})`;
  return `CASE WHEN strlen(${id}) > ${longestId} THEN '#' || md5(${id}) ELSE ${id} END`;
}

/** The JSON object of key values, as the key of a Kafka record. */
export function keyJsonSql(key: readonly (KeyColumn & { readonly name: string })[]): string {
  const parts = key.map(({ name, type, value }) => {
    if (!isKeyType(type)) throw new TypeError(`${type.name} cannot be part of a key`);
    return `'${name}', ${keyJsonValue(type, value)}`;
  });
  return `json_object(${parts.join(', ')})::VARCHAR`;
}
