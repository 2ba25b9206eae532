import type { Binding } from '../../api/revision.ts';
import { stringLiteral } from '../../drivers/embedded/sql/literals.ts';
import { projectionOf } from '../../records/digest.ts';
import { parseFields, type TypedField } from '../../records/field-types.ts';
import { documentVersion, isKeyed, keyFields, primaryKey } from '../../records/identity.ts';
import { badPlaces, columnOf, extraction, type KeyRule, type ProgramSql, reasonLines, separators } from './extract.ts';
import { documentIdSql } from './identity-sql.ts';
import type { MicroBatch } from './intake.ts';
import { jsonValue } from './values.ts';

/** The texts that come with the records of a sink: see {@link sinkTexts}. */
const texts = { append: ['s', 'g'], keyed: ['k', 'g', 'n'] } as const;

/** SQL that makes the body of a bulk request of a joined batch: its output is that body, as bytes. Parameters: {@link extraction} and {@link sinkTexts}. */
export function sinkProgram(binding: Binding, revision: string): ProgramSql {
  // In the order of their names: the same content has the same digest however the schema orders its fields.
  const fields = [...parseFields(binding.fields)].sort((a, b) => (a.name < b.name ? -1 : 1));
  const key = keyFields(binding, primaryKey(binding));
  const keyed = isKeyed(binding);
  const rule: KeyRule = !keyed ? 'Free' : binding.type === 'Change' ? 'Same' : 'SameIfAny';
  const { sql, reason } = extraction(fields, { texts: keyed ? texts.keyed : texts.append, key, rule, deletions: keyed });
  const column = (name: string): string => columnOf(fields.findIndex((field) => field.name === name));
  const id = keyed ? documentIdSql(key.map(({ name, type }) => ({ type, value: column(name) }))) : 'md5(s)';
  const document = `json_object(${fields.map(({ name, type }, n) => `'${name}', ${jsonValue(type, columnOf(n))}`).join(', ')})::VARCHAR`;
  const ordering = keyed && binding.orderingField !== undefined ? orderingSql(fields, binding.orderingField, column(binding.orderingField)) : undefined;
  // Whoever deletes has no value, and so nothing to order the deletion by.
  const unordered = ordering === undefined ? '' : ` OR v = '' OR coalesce(${ordering}, -1) < 0`;
  const external = (jsonId: string): string => `'"_id":', ${jsonId}, ',"version":', version, ',"version_type":"external"}}'`;
  const action = keyed ? `'{"index":{', ${external('to_json(id)::VARCHAR')}` : `'{"create":{"_id":"', id, '"}}'`;
  // One concat() of many parts: a chain of || would copy the growing text at each step.
  const operation = `concat(${action}, chr(10), '{"grue":{', g, ${stringLiteral(`,"rev":"${revision}","proj":"${projectionOf(binding.fields)}","h1":`)}, a >> 40, ',"h2":', (a >> 16) & 16777215, ',"h3":', b >> 40, ',"h4":', (b >> 16) & 16777215, '},', substring(d, 2), chr(10))`;
  const deletion = `WHEN v = '' THEN concat('{"delete":{', ${external('k')}, chr(10))`;
  const noOrder = `concat('GRUE-REC-002', ${separators.part}, CASE WHEN v = '' THEN 'a deletion has no value' ELSE 'there is no value, or a negative one,' END, ${stringLiteral(` in the ordering field ${binding.orderingField ?? ''}`)})`;
  return {
    main: `${sql},
identified AS (SELECT *, ${id} AS id, ${document} AS d, flawed${unordered} AS bad${keyed ? `, ${ordering ?? 'n'} AS version` : ''} FROM typed),
hashed AS (SELECT *, md5_number(id || chr(10) || d) AS h FROM identified),
-- Shifting 64 bits is much cheaper than shifting 128.
halved AS (SELECT *, (h >> 64)::UBIGINT AS a, (h & 18446744073709551615)::UBIGINT AS b FROM hashed),
lines AS (SELECT i, bad, CASE WHEN bad THEN NULL ${keyed ? deletion : ''} ELSE ${operation} END AS line FROM halved)
SELECT count(*)::VARCHAR, encode(string_agg(line, '')), count(line)::VARCHAR, ${badPlaces} FROM lines`,
    reasons: `${sql} SELECT count(*)::VARCHAR, ${reasonLines(`CASE WHEN flawed THEN ${reason} ELSE ${noOrder} END`)} FROM typed`,
  };
}

/** A number that grows with every change of a key. */
const orderingSql = (fields: readonly TypedField[], name: string, column: string): string =>
  fields.find((field) => field.name === name)?.type.name.startsWith('TIMESTAMP') === true ? `epoch_us(${column})` : `${column}::BIGINT`;

/** Makes the function that gives the texts of a micro-batch in the order of the program's parameters. */
export function sinkTexts(binding: Binding): (batch: MicroBatch) => readonly (readonly string[])[] {
  const keyed = isKeyed(binding);
  return ({ origins, keys }) => {
    const parts = origins.map((origin) => origin.split('|'));
    const stamps = parts.map(([root, epoch, p, o, path]) => `"root":"${root}","epoch":${epoch},"p":${p},"o":${o},"path":"${path}"`);
    // Epochs are rare; without one the version is the offset, and needs no big numbers.
    return keyed
      ? [keys, stamps, parts.map(([, epoch, , o = '']) => (epoch === '0' ? o : documentVersion({ epoch: Number(epoch), o: BigInt(o) })))]
      : [origins, stamps];
  };
}
