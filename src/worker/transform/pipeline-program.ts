import type { Binding } from '../../api/revision.ts';
import { identifier, stringLiteral } from '../../drivers/embedded/sql/literals.ts';
import type { ResolvedBranch } from '../../drivers/embedded/sql/resolved.ts';
import { duckdbType, type FieldType, formatFieldType, parseFields, type TypedField } from '../../records/field-types.ts';
import { isKeyed, keyFields, partitionKey, primaryKey } from '../../records/identity.ts';
import { badPlaces, columnOf, extraction, type KeyRule, type ProgramSql, reasonLines, separators } from './extract.ts';
import { keyJsonSql } from './identity-sql.ts';
import { jsonValue, unwritable } from './values.ts';

/** What the output's Kafka key and partition are made of. */
export interface OutputKeys {
  readonly keyed: boolean;
  /** `Key`: the key's own text. `Own`: another text, which the program gives. `Origin`: where the record came from. */
  readonly placedBy: 'Key' | 'Own' | 'Origin';
}

export function outputKeys(writes: Binding): OutputKeys {
  const primary = primaryKey(writes);
  const partition = partitionKey(writes);
  const same = primary.length === partition.length && primary.every((name, n) => name === partition[n]);
  return { keyed: isKeyed(writes), placedBy: partition.length === 0 ? 'Origin' : same ? 'Key' : 'Own' };
}

/**
 * SQL that runs one SELECT of a pipeline over a joined batch (parameters: {@link extraction}). Its output are lines: place in the batch, key,
 * placing text, value; no value for a deletion.
 */
export function pipelineProgram(branch: ResolvedBranch, reads: Binding, writes: Binding): ProgramSql {
  const fields = usedFields(branch, reads);
  const key = keyFields(reads, primaryKey(reads));
  const rule: KeyRule = reads.type === 'Change' ? 'Same' : 'Free';
  const { sql, reason } = extraction(fields, { texts: rule === 'Same' ? ['k'] : [], key: rule === 'Same' ? key : [], rule, deletions: false });
  // No field can be named like these: where the user's expressions stand, the columns of ours are out of the way.
  const own = ['i', 'v', ...(rule === 'Same' ? ['k'] : []), 'x', 'y', 'flawed', ...fields.map((_, n) => columnOf(n))];
  const named = fields.map(({ name }, n) => `${columnOf(n)} AS ${identifier(name)}`).join(', ');

  const { columns, where } = branch;
  const outputKey = primaryKey(writes);
  const deleting = reads.type === 'Change' && writes.type === 'Change' && where !== undefined;
  const checks = checksOf(branch, writes);
  const spoilt = ['w IS NULL', '(w.w AND r IS NULL)', ...[...checks.strays, ...checks.nullKeys].map(({ test }) => test)];
  const struct = (only: (name: string) => boolean): string =>
    `TRY(struct_pack(${columns.map(({ field, text }, n) => `${columnOf(n)} := ${only(field.name) ? castTo(field.type, text) : `NULL::${duckdbType(field.type)}`}`).join(', ')}))`;
  // A deletion needs the key of the record that does not match, and nothing else of it.
  const deletion = deleting ? ` WHEN NOT "#w".w THEN ${struct((name) => outputKey.includes(name))}` : '';
  const evaluate = `${sql},
named AS (SELECT ${own.map((name) => `${name} AS "#${name}"`).join(', ')}, ${named} FROM typed),
tested AS (SELECT *, TRY(struct_pack(w := coalesce(${where ?? 'true'}, false))) AS "#w" FROM named),
evaluated AS (SELECT *, CASE WHEN "#w".w THEN ${struct(() => true)}${deletion} END AS "#r" FROM tested)`;
  const plain = (columns: readonly string[]): string => columns.map((name) => `"#${name}" AS ${name}`).join(', ');
  return {
    main: `${evaluate},
plain AS (SELECT ${plain(['i', 'flawed', 'w', 'r'])} FROM evaluated),
judged AS (SELECT *, flawed OR ${spoilt.join(' OR ')} AS bad FROM plain),
lines AS (SELECT i, bad, CASE WHEN NOT bad AND r IS NOT NULL THEN ${lineOf(branch, writes, deleting)} END AS line, NOT bad AND r IS NOT NULL AS kept FROM judged)
SELECT count(*)::VARCHAR, string_agg(line, ${separators.record}), count(*) FILTER (kept)::VARCHAR, ${badPlaces} FROM lines`,
    reasons: `${evaluate},
explained AS (SELECT *, ${failureOf(branch)} AS "#failure" FROM evaluated),
plain AS (SELECT ${plain([...own, 'w', 'r', 'failure'])} FROM explained)
SELECT count(*)::VARCHAR, ${reasonLines(`CASE WHEN flawed THEN ${reason} ELSE ${flawOf(checks)} END`)} FROM plain`,
  };
}

/** SQL of the result for a field. */
const resultOf = ({ columns }: ResolvedBranch, name: string): string => `r.${columnOf(columns.findIndex(({ field }) => field.name === name))}`;

const castTo = (type: FieldType, text: string): string => `CAST(${text} AS ${duckdbType(type)})`;

function lineOf(branch: ResolvedBranch, writes: Binding, deleting: boolean): string {
  const { keyed, placedBy } = outputKeys(writes);
  const keyOf = (names: readonly string[]): string =>
    keyJsonSql(keyFields(writes, names).map(({ name, type }) => ({ name, type, value: resultOf(branch, name) })));
  const value = `json_object(${branch.columns.map(({ field: { name, type } }) => `'${name}', ${jsonValue(type, resultOf(branch, name))}`).join(', ')})::VARCHAR`;
  const parts = [
    'i',
    keyed ? keyOf(primaryKey(writes)) : "''",
    placedBy === 'Own' ? keyOf(partitionKey(writes)) : "''",
    deleting ? `CASE WHEN w.w THEN ${value} ELSE '' END` : value,
  ];
  return parts.join(` || ${separators.part} || `);
}

interface Check {
  readonly name: string;
  readonly type: FieldType;
  /** SQL that is true of a result that must not be written. */
  readonly test: string;
}

interface Checks {
  /** Values that the field's type cannot hold. */
  readonly strays: readonly Check[];
  readonly nullKeys: readonly Check[];
}

function checksOf(branch: ResolvedBranch, writes: Binding): Checks {
  const strays = branch.columns.flatMap(({ field: { name, type } }): readonly Check[] => {
    const test = unwritable(type, resultOf(branch, name));
    return test === undefined ? [] : [{ name, type, test: `coalesce(${test}, false)` }];
  });
  const nullKeys = keyFields(writes, primaryKey(writes)).map(({ name, type }) => ({
    name,
    type,
    test: `(r IS NOT NULL AND ${resultOf(branch, name)} IS NULL)`,
  }));
  return { strays, nullKeys };
}

/** Fields that the SELECT uses, and those of a key that is checked. What is not used is not judged. */
function usedFields(branch: ResolvedBranch, reads: Binding): readonly TypedField[] {
  const fields = parseFields(reads.fields);
  const key = reads.type === 'Change' ? primaryKey(reads) : [];
  const used = fields.filter(({ name }) => branch.used.includes(name) || key.includes(name));
  return used.length > 0 ? used : fields.slice(0, 1);
}

const coded = (code: string, reason: string): string => `'${code}' || ${separators.part} || ${stringLiteral(reason)}`;

/** Which expression fails on a record; NULL if none does. Only then they are tried one by one. */
function failureOf({ columns, where }: ResolvedBranch): string {
  const fails = columns.map(
    ({ field, text }) =>
      `WHEN TRY(struct_pack(v := ${castTo(field.type, text)})) IS NULL THEN ${coded('GRUE-REC-005', `the expression for field ${field.name} fails on the record: ${shorten(text)}`)}`,
  );
  return `CASE WHEN "#w" IS NULL THEN ${coded('GRUE-REC-005', `the condition after WHERE fails on the record: ${shorten(where ?? '')}`)}
WHEN "#w".w AND "#r" IS NULL THEN CASE ${fails.join('\n')} ELSE ${coded('GRUE-REC-005', 'the SELECT fails on the record')} END END`;
}

/** Why the result of a record cannot be written. */
function flawOf({ strays, nullKeys }: Checks): string {
  const beyond = ({ name, type, test }: Check): string =>
    `WHEN ${test} THEN ${coded('GRUE-REC-005', `the result for field ${name} cannot be written as ${formatFieldType(type)}: it is not finite, too precise, or outside the years 1 to 9999`)}`;
  return `CASE WHEN failure IS NOT NULL THEN failure
${nullKeys.map(({ name, test }) => `WHEN ${test} THEN ${coded('GRUE-REC-003', `the key field ${name} of the result is null`)}`).join('\n')}
${strays.map(beyond).join('\n')} END`;
}

const shorten = (sql: string): string => (sql.length > 200 ? `${sql.slice(0, 200)}...` : sql);
