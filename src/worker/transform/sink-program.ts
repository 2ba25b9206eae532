import type { Binding } from '../../api/revision.ts';
import { stringLiteral } from '../../drivers/embedded/sql/literals.ts';
import { projectionOf } from '../../records/digest.ts';
import { parseFields } from '../../records/field-types.ts';
import { isKeyed, keyFields, primaryKey } from '../../records/identity.ts';
import { columnOf, extraction, type KeyRule, separators } from './extract.ts';
import { documentIdSql } from './identity-sql.ts';
import { jsonValue } from './values.ts';

/**
 * SQL that makes the body of a bulk request of a joined batch (parameters: {@link extraction}). One row: the number of records seen, the body as bytes, the number of
 * operations in it, and the bad records (index, code and reason of each).
 */
export function sinkProgram(binding: Binding, revision: string): string {
  // In the order of their names: the same content has the same digest however the schema orders its fields.
  const fields = [...parseFields(binding.fields)].sort((a, b) => (a.name < b.name ? -1 : 1));
  const key = keyFields(binding, primaryKey(binding));
  const keyed = isKeyed(binding);
  const rule: KeyRule = !keyed ? 'Free' : binding.type === 'Change' ? 'Same' : 'SameIfAny';
  const { sql, reason } = extraction(fields, key, rule, keyed);
  const column = (name: string): string => columnOf(fields.findIndex((field) => field.name === name));
  const document = `json_object(${fields.map(({ name, type }, n) => `'${name}', ${jsonValue(type, columnOf(n))}`).join(', ')})::VARCHAR`;
  const id = keyed ? documentIdSql(key.map(({ name, type }) => ({ type, value: column(name) }))) : 'md5(s)';
  const ordering = binding.orderingField === undefined ? undefined : orderingSql(binding, binding.orderingField, column(binding.orderingField));
  // Whoever deletes has no value, and so nothing to order the deletion by.
  const unordered = ordering === undefined || !keyed ? 'false' : `(v = '' OR coalesce(${ordering}, -1) < 0)`;
  const version = ordering ?? '(o[2]::BIGINT * 281474976710656 + o[4]::BIGINT)';
  const action = keyed ? `'{"index":{"_id":' || j || ',"version":' || version || ',"version_type":"external"}}'` : `'{"create":{"_id":"' || id || '"}}'`;
  const deletion = `'{"delete":{"_id":' || k || ',"version":' || version || ',"version_type":"external"}}' || chr(10)`;
  const limbs = [104, 80, 56, 32].map((shift, n) => `',"h${n + 1}":' || ((h >> ${shift}) & 16777215)::INTEGER`).join(' || ');
  const stamp = `'{"grue":{"root":"' || o[1] || '","epoch":' || o[2] || ',"p":' || o[3] || ',"o":' || o[4] || ',"path":"' || o[5] || ${stringLiteral(`","rev":"${revision}","proj":"${projectionOf(binding.fields)}"`)} || ${limbs} || '}'`;
  const operation = `${action} || chr(10) || ${stamp} || ',' || substring(d, 2) || chr(10)`;
  const noVersion = `WHEN NOT flawed THEN 'GRUE-REC-002' || ${separators.part} || CASE WHEN v = '' THEN 'a deletion has no value for the ordering field ' ELSE 'there is no value, or a negative one, in the ordering field ' END || ${stringLiteral(binding.orderingField ?? '')}`;
  return `${sql},
identified AS (SELECT *, ${id} AS id, ${document} AS d, string_split(s, '|') AS o, flawed OR ${unordered} AS bad FROM typed),
hashed AS (SELECT *, md5_number(id || chr(10) || d) AS h${keyed ? ', to_json(id)::VARCHAR AS j' : ''}${keyed ? `, (${version})::VARCHAR AS version` : ''} FROM identified),
lines AS (SELECT i, bad, CASE WHEN bad THEN i || ${separators.part} || CASE ${noVersion} ELSE ${reason} END END AS problem,
  CASE WHEN bad THEN NULL ${keyed ? `WHEN v = '' THEN ${deletion}` : ''} ELSE ${operation} END AS line FROM hashed)
SELECT count(*)::VARCHAR, encode(string_agg(line, '')), count(line)::VARCHAR, string_agg(problem, ${separators.record}) FROM lines`;
}

/** A number that grows with every change of a key. */
function orderingSql(binding: Binding, name: string, column: string): string {
  const type = parseFields(binding.fields).find((field) => field.name === name)?.type.name;
  return type === 'TIMESTAMP' || type === 'TIMESTAMP_LTZ' ? `epoch_us(${column})` : `${column}::BIGINT`;
}
