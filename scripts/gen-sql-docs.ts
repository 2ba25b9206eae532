import { functions, operators } from '../src/drivers/embedded/sql/functions.ts';
import { duckdbType, elasticsearchMapping, expectedJson, type FieldType, formatFieldType, parseFieldType } from '../src/records/field-types.ts';
import type { GeneratedFile } from './generated.ts';

const header = '<!-- Generated from src/records and src/drivers/embedded by `npm run gen`. Do not edit. -->\n';

const types = [
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL(10,2)', 'DECIMAL(38,10)', 'STRING', 'DATE'],
  ...['TIMESTAMP(3)', 'TIMESTAMP(6)', 'TIMESTAMP_LTZ(3)', 'TIMESTAMP_LTZ(6)', 'ARRAY<INT>'],
];

const rules = `## What a pipeline may say

\`INSERT INTO <stream> SELECT ... FROM <stream> [WHERE ...]\`, or several such SELECTs joined by \`UNION ALL\`. The names are those of Streams; one that
holds a \`-\` stands between double quotes. A pipeline looks at one record at a time: joins, aggregates, windows, DISTINCT, ORDER BY, LIMIT and
queries inside of a query are refused with the position in your text, and so is whatever reads files, settings, the network, the clock or chance.

- Columns go to the fields of the output stream **by name**, not by position: name each expression with \`AS\`. Every field of the output has its
  column; \`NULL AS x\` where there is no value. \`SELECT *\` and \`* EXCLUDE (a, b)\` stand for the fields of the input.
- Nothing is converted silently if it could lose something. What would needs a \`CAST\`, so that the loss stands in your SQL. A \`CAST\` that fails makes
  the record a bad one; \`TRY_CAST\` makes NULL of it.
- A division of whole numbers by zero makes the record a bad one, instead of a NULL that nobody notices.
- Time zones: everything is computed in UTC.
- Each key field of a \`Change\` stream is a plain column of the input, renamed at most: a deletion carries nothing else.
- A bad record goes to the dead letters of its stage with the reason, and is accounted for in parity.
`;

/** docs/sql.md: the types of fields with their counterparts, and what the embedded engine offers. */
export const generateSqlDocs = (): readonly GeneratedFile[] => [{ path: 'docs/sql.md', content: page() }];

function page(): string {
  return [
    header,
    '# Field types and SQL\n',
    '## Types of fields\n',
    'As Flink SQL names them. Each has one counterpart in the embedded engine and one in Elasticsearch; `destination.mappings` of a Connection overrides the latter.\n',
    '| type | in the JSON of a record | embedded engine | Elasticsearch |\n|---|---|---|---|',
    ...types.map((text) => row(parseFieldType(text))),
    '',
    'A value that does not look like this makes its record a bad one. `null` and a field that is missing are the same. A field that the\nschema does not name is ignored, and so is one that no stage uses.\n',
    rules,
    '## Operators\n',
    `${list(operators)}, comparisons, \`AND\`, \`OR\`, \`NOT\`, \`IN\`, \`BETWEEN\`, \`IS NULL\`, \`LIKE\`, \`SIMILAR TO\`, \`CASE\`, \`COALESCE\`, \`CAST\`, \`TRY_CAST\`.\n`,
    '## Functions\n',
    'They mean what DuckDB documents for them.\n',
    `${list(functions)}\n`,
  ].join('\n');
}

const row = (type: FieldType): string =>
  `| \`${formatFieldType(type)}\` | ${expectedJson(type)} | \`${duckdbType(type)}\` | \`${JSON.stringify(elasticsearchMapping(type))}\` |`;

const list = (names: ReadonlySet<string>): string => [...names].map((name) => `\`${name}\``).join(' ');
