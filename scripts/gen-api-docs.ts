import { time } from '../src/api/common.ts';
import { errorCodes } from '../src/api/errors.ts';
import { type KindDefinition, kinds } from '../src/api/kinds.ts';
import { definitionOf } from './crds/definition.ts';
import { type StructuralSchema, structuralSchema } from './crds/structural.ts';
import { type GeneratedFile, main } from './generated.ts';

const header = '<!-- Generated from src/api by `npm run gen`. Do not edit. -->\n';

/** docs/api.md: what `kubectl explain` says, on one page. docs/errors.md: every code with what to do. */
export const generateApiDocs = (): readonly GeneratedFile[] => [
  { path: 'docs/api.md', content: apiPage() },
  { path: 'docs/errors.md', content: errorsPage() },
];

function apiPage(): string {
  const all = Object.values(kinds);
  return [
    header,
    '# The API\n',
    `Group \`${all[0]?.group}\`, version \`${all[0]?.version}\`. All kinds are namespaced and in the category \`grue\` (\`kubectl get grue\`).\n`,
    '| kind | short name | what it is |\n|---|---|---|',
    ...all.map(({ kind, shortName, description }) => `| [${kind}](#${kind.toLowerCase()}) | \`${shortName}\` | ${description} |`),
    '',
    ...all.map(kindSection),
  ].join('\n');
}

function kindSection(kind: KindDefinition): string {
  const root = definitionOf(kind).spec.versions[0]?.schema.openAPIV3Schema;
  const { spec, status } = root?.properties ?? {};
  if (!root || !spec || !status) throw new Error(`${kind.kind} has no spec or status`);
  return [
    `## ${kind.kind}\n`,
    `${kind.description}\n`,
    `Columns of \`kubectl get ${kind.shortName}\`: ${kind.columns.map(({ name, priority }) => `${name.toUpperCase()}${priority === undefined ? '' : ' (wide)'}`).join(', ')}.\n`,
    '### spec\n',
    table(spec, true),
    'Rules:\n',
    ...rules(root, 'object').map((rule) => `- ${rule}`),
    '',
    '### status\n',
    table(status, false),
  ].join('\n');
}

function table(schema: StructuralSchema, withNeed: boolean): string {
  const heads = withNeed ? ['field', 'type', 'needed', 'meaning'] : ['field', 'type', 'meaning'];
  const rows = fieldsOf(schema, '').map(({ path, field, required }) => {
    const need = required ? 'yes' : field.default === undefined ? '' : `default \`${JSON.stringify(field.default)}\``;
    return [`\`${path}\``, typeOf(field), ...(withNeed ? [need] : []), field.description ?? ''];
  });
  return `${[heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')}\n`;
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

interface DocumentedField {
  readonly path: string;
  readonly field: StructuralSchema;
  readonly required: boolean;
}

function fieldsOf(schema: StructuralSchema, path: string): readonly DocumentedField[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = `${path}${name}${field.type === 'array' ? '[]' : ''}`;
    return [{ path: here, field, required: schema.required?.includes(name) ?? false }, ...fieldsOf(field.items ?? field, `${here}.`)];
  });
}

const timePattern = structuralSchema(time).pattern;

function typeOf(field: StructuralSchema): string {
  if (field.type === 'array' && field.items) return `list of ${typeOf(field.items)}, ${between(field.minItems, field.maxItems)}`;
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(', ');
  if (field.pattern === timePattern) return 'time';
  if (field.type === 'string') return `string, ${between(field.minLength, field.maxLength)} characters`;
  if (field.type === 'integer' && field.maximum !== undefined) return `integer, ${between(field.minimum, field.maximum)}`;
  return field['x-kubernetes-preserve-unknown-fields'] === true ? 'any object' : field.type;
}

const between = (least: number | undefined, most: number | undefined) => (least === undefined ? `up to ${most}` : `${least} to ${most}`);

function rules(schema: StructuralSchema, path: string): readonly string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `\`${path}\`: ${message}`);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => rules(field, path === 'object' ? name : `${path}.${name}`));
  return [...own, ...fields, ...(schema.items ? rules(schema.items, `${path}[]`) : [])];
}

const areas: Readonly<Record<string, string>> = {
  API: 'Resources',
  PLT: 'Platforms and their servers',
  SQL: 'SQL of pipelines',
  KFK: 'Topics and groups',
  ES: 'Indices and aliases',
  MIG: 'Migrations',
  REC: 'Records (they go to the dead letters)',
  CLI: 'The command line',
};

function errorsPage(): string {
  const area = (code: string) => code.split('-')[1] ?? '';
  const sections = Object.entries(areas).map(([name, title]) => {
    const codes = Object.entries(errorCodes).filter(([code]) => area(code) === name);
    return [`## ${title}\n`, ...codes.map(([code, { title: what, fix }]) => `### ${code}\n\n${what[0]?.toUpperCase()}${what.slice(1)}.\n\n${fix}\n`)].join(
      '\n',
    );
  });
  const intro =
    'Every error that Grue shows has one of these codes, a message that says what was wrong and where, and mostly what to do. A code is never used for anything else.\n';
  return [header, '# Errors\n', intro, ...sections].join('\n');
}

if (import.meta.main) await main(generateApiDocs());
