import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { verdict } from '../../demo/report.ts';
import { summary } from '../../demo/summary.ts';
import { goodReport } from './reports.ts';

const findings = { records: 2_000, moves: { there: { overlapMilliseconds: 3, slowestMilliseconds: 12 }, back: undefined } };
const textOf = (report: typeof goodReport): string =>
  summary({ ...findings, report }, verdict(report), 'out/demo-report.json', 100)
    .map(stripVTControlCharacters)
    .join('\n');

test('the summary of a good run says what it means, and where the numbers are', () => {
  const text = textOf(goodReport);
  expect(text.replaceAll(/\s+/g, ' ')).toContain('Not one of 2,000 records was lost or duplicated, and not one of 60,000 searches failed');
  expect(text).toContain('out/demo-report.json');
  expect(text.split('\n').every((line) => line.length <= 100)).toBe(true);
});

test('the summary of a bad run lists every reason and claims nothing', () => {
  const text = textOf({ ...goodReport, lost: 1, duplicated: 1 });
  expect(text).toContain('The run is not what it should be');
  expect(text).toContain('the migration: 1 records are lost');
  expect(text).toContain('the migration: 1 records are duplicated');
  expect(text).not.toContain('Not one of');
});
