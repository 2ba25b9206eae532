import { stringLiteral } from '../../drivers/embedded/sql/literals.ts';
import { expectedJson, formatFieldType, type TypedField } from '../../records/field-types.ts';
import { documentIdSql } from './identity-sql.ts';
import { readValue } from './values.ts';

/** Stands between the records of a joined batch. JSON cannot hold it, so a record that does is no JSON. */
export const recordSeparator = '\x1e';
/** Stands between the parts of one line of a result. JSON cannot hold it either. */
export const partSeparator = '\x1f';

export const separators = { record: 'chr(30)', part: 'chr(31)' } as const;

/** Name of the column that a field becomes. Fields may differ in case only; these do not. */
export const columnOf = (place: number): string => `c${place}`;

/** The two statements of a stage, over the same parameters. */
export interface ProgramSql {
  /** One row: number of records seen; the output; number of records in the output; places of the bad records, joined by commas. */
  readonly main: string;
  /**
   * Says why records are bad, and is given no others. Apart from the main statement, because it repeats most of it: it costs as much to
   * prepare and to set up, and is hardly ever needed. One row: number of records seen; a line for each with its place, code and reason.
   */
  readonly reasons: string;
}

/** The last column of a main statement, over rows with `i` and `bad`. */
export const badPlaces = "string_agg(CASE WHEN bad THEN i::VARCHAR END, ',')";

/** The last column of a statement of reasons. @param reason SQL of code and reason, separated; a record without one gets a general one */
export const reasonLines = (reason: string): string =>
  `string_agg(concat(i, ${separators.part}, coalesce(${reason}, concat('GRUE-REC-005', ${separators.part}, 'the record cannot be processed'))), ${separators.record})`;

export interface Extraction {
  /** `WITH ...`, ending in the relation `typed(i, v, <texts>, x, y, flawed, c0, c1, ...)`. */
  readonly sql: string;
  /** SQL of the reason of a flawed row, as `code` and `reason` separated by the part separator. */
  readonly reason: string;
}

/** What the Kafka key must say for a record to be accepted. `Same`: the same as the value. `SameIfAny`: so, or nothing at all. */
export type KeyRule = 'Free' | 'Same' | 'SameIfAny';

export interface ExtractionOptions {
  /** Names of the text columns that come with the records, in the order of their parameters. A checked key is the column `k`. */
  readonly texts: readonly string[];
  /** Fields of the primary key, all among the fields; checked against the Kafka key as the rule says. */
  readonly key: readonly TypedField[];
  readonly rule: KeyRule;
  /** Whether a record without a value is a deletion, and not bad. */
  readonly deletions: boolean;
}

/**
 * Reads joined records into typed columns. Parameters: $1 number of records, $2 their values joined, $3 and so on the texts, joined too.
 * A tombstone is an empty value. In the column `k` stands the id that a record's Kafka key names, in JSON (empty: no key).
 */
export function extraction(fields: readonly TypedField[], { texts, key, rule, deletions }: ExtractionOptions): Extraction {
  const pointers = fields.map(({ name }) => stringLiteral(`/${name}`));
  const values = fields.map(({ type }, n) => readValue(type, `x[${n + 1}]`, `y[${n + 2}]`));
  const misfits = values.map(({ misfit }, n) => `(x[${n + 1}] IS NOT NULL AND ${misfit})`);
  const place = (name: string): number => fields.findIndex((field) => field.name === name);
  const keyNulls = key.map(({ name }) => `${columnOf(place(name))} IS NULL`);
  const id = documentIdSql(key.map((field) => ({ type: field.type, value: columnOf(place(field.name)) })));
  const otherKey = rule === 'Free' ? [] : [rule === 'Same' ? `k <> to_json(${id})::VARCHAR` : `(k <> '' AND k <> to_json(${id})::VARCHAR)`];
  const flaws = ["y[1] IS DISTINCT FROM 'OBJECT'", 'misfit', ...keyNulls, ...otherKey];
  const unnested = texts.map((name, n) => `, unnest(string_split($${n + 3}::VARCHAR, ${separators.record})) AS ${name}`).join('');
  const carried = texts.map((name) => `, ${name}`).join('');
  const sql = `WITH
raw AS (SELECT unnest(range($1::BIGINT)) AS i, unnest(string_split(decode($2::BLOB), ${separators.record})) AS v${unnested}),
parsed AS (SELECT i, v${carried}, TRY(json_extract_string(v, [${pointers.join(', ')}])) AS x, TRY(json_type(v, [${["''", ...pointers].join(', ')}])) AS y FROM raw),
cast_ AS (SELECT i, v${carried}, x, y, ${misfits.join(' OR ')} AS misfit, ${values.map(({ value }, n) => `${value} AS ${columnOf(n)}`).join(', ')} FROM parsed),
typed AS (SELECT *, ${deletions ? "v <> '' AND " : ''}(${flaws.join(' OR ')}) AS flawed FROM cast_)`;
  return { sql, reason: reasonOf(fields, key, misfits, keyNulls, rule !== 'Free') };
}

function reasonOf(
  fields: readonly TypedField[],
  key: readonly TypedField[],
  misfits: readonly string[],
  keyNulls: readonly string[],
  checked: boolean,
): string {
  const coded = (code: string, reason: string): string => `'${code}' || ${separators.part} || ${reason}`;
  const excerpt = (text: string): string => `CASE WHEN length(${text}) > 80 THEN left(${text}, 80) || '...' ELSE ${text} END`;
  const found = (n: number): string =>
    `CASE y[${n + 2}] WHEN 'VARCHAR' THEN 'the string ' || to_json(${excerpt(`x[${n + 1}]`)})::VARCHAR WHEN 'ARRAY' THEN 'the array ' || ${excerpt(`x[${n + 1}]`)} WHEN 'OBJECT' THEN 'the object ' || ${excerpt(`x[${n + 1}]`)} WHEN 'BOOLEAN' THEN x[${n + 1}] ELSE 'the number ' || ${excerpt(`x[${n + 1}]`)} END`;
  return `CASE
WHEN v = '' THEN ${coded('GRUE-REC-001', "'the record has no value'")}
WHEN y IS NULL THEN ${coded('GRUE-REC-001', `'the value is not valid JSON: ' || ${excerpt('v')}`)}
WHEN y[1] <> 'OBJECT' THEN ${coded('GRUE-REC-001', `'the value is not a JSON object: ' || ${excerpt('v')}`)}
${fields.map(({ name, type }, n) => `WHEN ${misfits[n]} THEN ${coded('GRUE-REC-002', `'field ${name} is ' || ${found(n)} || ', not ' || ${stringLiteral(`${expectedJson(type)} (${formatFieldType(type)})`)}`)}`).join('\n')}
${key.map(({ name }, n) => `WHEN ${keyNulls[n]} THEN ${coded('GRUE-REC-003', `'the key field ${name} is missing or null'`)}`).join('\n')}
${checked ? `ELSE ${coded('GRUE-REC-003', "'the key of the record says something else than its value: its id is ' || k")}` : ''} END`;
}
