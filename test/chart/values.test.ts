import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type ValueSchema, valuesOf, valuesSchema } from '../../scripts/chart/schema.ts';
import { values } from '../../scripts/chart/values.ts';
import { generateChart } from '../../scripts/gen-chart.ts';

const root = join(import.meta.dirname, '../..');
const chart = join(root, 'charts/grue');
const read = (file: string): string => readFileSync(join(chart, file), 'utf8');

test.each(generateChart())('$path is what the source makes', ({ path, content }) => {
  expect(readFileSync(join(root, path), 'utf8')).toBe(content);
});

test('values.yaml holds every default and nothing else', () => {
  expect(parse(read('values.yaml'))).toEqual(values.parse({}));
});

test('every value is explained', () => {
  const silent = valuesOf(valuesSchema()).filter(({ schema: { description } }) => !description?.endsWith('.'));
  expect(silent).toEqual([]);
});

test('a value that the schema does not know is refused at every level', () => {
  const open: string[] = [];
  const walk = (schema: ValueSchema, path: string): void => {
    if (schema.properties && schema.additionalProperties !== false) open.push(path);
    for (const [name, child] of Object.entries(schema.properties ?? {})) walk(child, `${path}.${name}`);
    if (schema.items) walk(schema.items, `${path}[]`);
  };
  walk(valuesSchema(), 'values');
  expect(open).toEqual([]);
});

test('every value that a template asks for is one', () => {
  const known = valuesOf(valuesSchema()).map(({ path }) => path);
  const templates = ['_helpers.tpl', '_pod.tpl', '_component.tpl', 'NOTES.txt', 'networkpolicy.yaml', 'operator/deployment.yaml', 'worker/deployment.yaml'];
  const asked = templates.flatMap((template) => [...read(`templates/${template}`).matchAll(/\.Values\.([A-Za-z.]+)/g)].map(([, path = '']) => path));
  expect(asked.length).toBeGreaterThan(30);
  const unknown = asked.filter((path) => !known.some((one) => one === path || one.startsWith(`${path}.`)));
  expect(unknown).toEqual([]);
});

describe('Chart.yaml', () => {
  const { version, appVersion } = parse(read('Chart.yaml')) as { version: string; appVersion: string };

  test('is of the version of the package, and so is the image that it installs', () => {
    const { version: released } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect({ version, appVersion }).toEqual({ version: released, appVersion: released });
  });
});
