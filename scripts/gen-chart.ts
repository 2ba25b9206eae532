import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { crdVersion, crdVersionAnnotation } from '../src/api/kinds.ts';
import { isGroup, type ValueSchema, valuesOf, valuesSchema } from './chart/schema.ts';
import { generateCrds } from './gen-crds.ts';
import { type GeneratedFile, main } from './generated.ts';

const chart = 'charts/grue';
const LINE = 140;

/** Of the chart: values.yaml, values.schema.json, the CRDs among the templates, and the table of values in its README. */
export function generateChart(): readonly GeneratedFile[] {
  const schema = valuesSchema();
  return [
    { path: `${chart}/values.yaml`, content: `# Generated from scripts/chart/values.ts by \`npm run gen\`. Do not edit.\n\n${valuesFile(schema)}` },
    { path: `${chart}/values.schema.json`, content: `${JSON.stringify(schema, null, 2)}\n` },
    { path: `${chart}/README.md`, content: withTable(readFileSync(join(import.meta.dirname, '..', chart, 'README.md'), 'utf8'), schema) },
    ...generateCrds().map(crdTemplate),
  ];
}

function valuesFile(schema: ValueSchema, indent = ''): string {
  const members = Object.entries(schema.properties ?? {}).filter(
    ([, { default: value, examples, properties }]) => value !== undefined || examples || properties,
  );
  return members
    .map(([name, value]) => {
      const comment = wrapped(value.description ?? '', `${indent}# `);
      if (isGroup(value)) return `${comment}${indent}${name}:\n${valuesFile(value, `${indent}  `)}${indent === '' ? '\n' : ''}`;
      if (value.default !== undefined) return `${comment}${indent}${name}: ${flow(value.default)}\n${indent === '' ? '\n' : ''}`;
      return `${comment}${indent}# ${name}: ${flow(value.examples?.[0])}\n`;
    })
    .join('');
}

const flow = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd();

function wrapped(text: string, head: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (head.length + line.length + word.length + 1 > LINE) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `${head}${line}\n`).join('');
}

const begin = '<!-- values: generated from scripts/chart/values.ts by `npm run gen` -->';
const end = '<!-- end of values -->';

/** @throws Error when the README has lost the marks between which the table stands */
function withTable(readme: string, schema: ValueSchema): string {
  const [head, rest] = readme.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`${chart}/README.md has no place for the table of values: ${begin} ... ${end}`);
  const rows = valuesOf(schema)
    .filter(({ path }) => path !== 'global')
    .map(({ path, schema: { default: value, description, enum: choices } }) => {
      const choice = choices === undefined ? '' : ` One of ${choices.map((one) => `\`${one}\``).join(', ')}.`;
      return `| \`${path}\` | ${value === undefined ? '' : `\`${flow(value)}\``} | ${cell(`${description ?? ''}${choice}`)} |\n`;
    });
  return `${head}${begin}\n| value | default | meaning |\n|---|---|---|\n${rows.join('')}${end}${tail}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/**
 * A CRD as a template: what lies in the directory `crds` of a chart is never upgraded by Helm. It stays when the chart is uninstalled, because
 * with it all resources would go. What is newer than the chart is left alone, because it would lose the fields that the older one does not know.
 */
function crdTemplate({ path, content }: GeneratedFile): GeneratedFile {
  if (content.includes('{{')) throw new Error(`${path} holds {{, which Helm would read as its own`);
  const [metadata, ...others] = content.split(`  annotations:\n    ${crdVersionAnnotation}: "${crdVersion}"\n`);
  if (others.length !== 1) throw new Error(`${path} does not carry its version`);
  // Helm's word is for Helm: Argo CD prunes what `keep` stands on, and all resources with it.
  const annotations = `  annotations:\n    ${crdVersionAnnotation}: "${crdVersion}"\n    helm.sh/resource-policy: keep\n    argocd.argoproj.io/sync-options: Prune=false\n`;
  const name = `${path.slice('crds/'.length, -'.yaml'.length)}.grue.dev`;
  const guard = `{{- include "grue.refuseNewerCrd" (dict "name" "${name}" "version" ${crdVersion}) }}\n`;
  return {
    path: `${chart}/templates/${path}`,
    content: `{{- if .Values.crds.install }}\n${guard}${metadata}${annotations}  labels:\n    {{- include "grue.labels" . | nindent 4 }}\n${others[0]}{{- end }}\n`,
  };
}

if (import.meta.main) await main(generateChart());
