import { expect, test } from 'vitest';
import { z } from 'zod';
import { durationMilliseconds, fieldType, listBy, resourceName, setOf, text, time, withRules, withTransitionRules } from '../../src/api/common.ts';

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;

test('a duration adds up its parts', () => {
  expect(durationMilliseconds('90s')).toBe(90_000);
  expect(durationMilliseconds('1h30m')).toBe(5_400_000);
  expect(durationMilliseconds('1m500ms')).toBe(60_500);
});

test('a text is counted in characters, as the API server counts', () => {
  expect(accepts(text(3), '😀😀😀')).toBe(true);
  expect(accepts(text(3), '😀😀😀😀')).toBe(false);
  expect(accepts(text(3), 'abcd')).toBe(false);
});

test('a name is short, lower case and without dots, because it becomes part of topics, indices and labels', () => {
  for (const good of ['a', '7', 'a-b', 'a'.repeat(40)]) expect(accepts(resourceName, good), good).toBe(true);
  for (const bad of ['', 'A', 'a.b', 'a_b', '-a', 'a-', 'ä', 'a\n', 'a'.repeat(41)]) expect(accepts(resourceName, bad), bad).toBe(false);
});

test('field types are Flink SQL types, alone or in one ARRAY', () => {
  for (const good of ['INT', 'STRING', 'DECIMAL(38,38)', 'DECIMAL(10, 2)', 'TIMESTAMP', 'TIMESTAMP(3)', 'TIMESTAMP_LTZ(6)', 'ARRAY<DECIMAL(4,2)>'])
    expect(accepts(fieldType, good), good).toBe(true);
  for (const bad of ['int', 'INT>', 'ARRAY<INT', 'ARRAY<ARRAY<INT>>', 'DECIMAL', 'DECIMAL(39,1)', 'DECIMAL(2,3)', 'TIMESTAMP(7)', 'VARCHAR(3)', 'ROW<a INT>'])
    expect(accepts(fieldType, bad), bad).toBe(false);
});

test('a time has a date, an hour and a zone', () => {
  for (const good of ['2026-11-21T11:00:00Z', '2024-02-29T23:59:59.123456789+01:00']) expect(accepts(time, good), good).toBe(true);
  for (const bad of ['2026-00-01T00:00:00Z', '2026-01-32T00:00:00Z', '2026-13-01T00:00:00Z', '2026-11-21T24:00:00Z', '2026-11-21', '2026-11-21 11:00:00Z'])
    expect(accepts(time, bad), bad).toBe(false);
});

test('a set holds no item twice, and a list by keys no two items that agree in all of them', () => {
  expect(accepts(setOf(z.string(), 3), ['a', 'b'])).toBe(true);
  expect(accepts(setOf(z.string(), 3), ['a', 'a'])).toBe(false);
  const list = listBy(['kind', 'name'], z.object({ kind: z.string(), name: z.string() }), 3);
  expect(
    accepts(list, [
      { kind: 'a', name: 'b' },
      { kind: 'b', name: 'a' },
    ]),
  ).toBe(true);
  expect(
    accepts(list, [
      { kind: 'a', name: 'b' },
      { kind: 'a', name: 'b' },
    ]),
  ).toBe(false);
});

test('rules of both sorts stand together in the schema, and a description after them keeps them', () => {
  const schema = withTransitionRules(withRules(z.object({}), [{ rule: 'one', message: '1', holds: () => true }]), [{ rule: 'two', message: '2' }]).describe(
    'Three.',
  );
  expect(schema.meta()).toEqual({
    description: 'Three.',
    'x-kubernetes-validations': [
      { rule: 'one', message: '1' },
      { rule: 'two', message: '2' },
    ],
  });
});
