import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ErrorCode, errorCodes, GrueError } from '../../src/api/errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');

test.each(Object.keys(errorCodes) as ErrorCode[])('%s is documented with what it means and what to do', (code) => {
  const section = page.split('\n### ').find((part) => part.startsWith(`${code}\n`));
  expect(section?.toLowerCase()).toContain(errorCodes[code].title.toLowerCase());
  expect(section).toContain(errorCodes[code].fix);
});

test('codes are numbered without gaps in each area', () => {
  const areas = Object.groupBy(Object.keys(errorCodes), (code) => code.slice(0, code.lastIndexOf('-')));
  for (const [area, codes] of Object.entries(areas)) expect(codes).toEqual(codes?.map((_, index) => `${area}-${String(index + 1).padStart(3, '0')}`));
});

test('the page holds no code that does not exist', () => {
  for (const [, code] of page.matchAll(/^### (.*)$/gm)) expect(errorCodes).toHaveProperty(code as string);
});

test('an error fits into one line: code, place, what is wrong and the way out', () => {
  const error = new GrueError('GRUE-SQL-003', 'column "dealy" does not exist in stream flights', { at: { line: 1, column: 24 }, fix: 'did you mean "delay"?' });
  expect(error.line).toBe('GRUE-SQL-003 at line 1, column 24: column "dealy" does not exist in stream flights (did you mean "delay"?)');
  expect(new GrueError('GRUE-PLT-002', 'no answer', { at: 'spec.kafka' }).line).toBe('GRUE-PLT-002 at spec.kafka: no answer');
});
