import { expect, test } from 'vitest';
import { isRight, tableOf } from './report.ts';

test('the table has a line for each scenario, with numbers below each other', () => {
  const table = tableOf([
    { name: 'install and migrate', passed: true, seconds: 31.4, lost: 0, duplicated: 0, failedReads: 0 },
    { name: 'secret', passed: false, seconds: 7, lost: 12, duplicated: 0, failedReads: 3, problem: 'stuck' },
  ]);
  expect(table).toBe(
    [
      'scenario             passed  seconds  lost  duplicated  failed reads',
      'install and migrate     yes       31     0           0             0',
      'secret                   NO        7    12           0             3',
    ].join('\n'),
  );
});

test('one record, one document too many or one read that failed is not right', () => {
  expect(isRight({ lost: 0, duplicated: 0, failedReads: 0 })).toBe(true);
  for (const wrong of [{ lost: 1 }, { duplicated: 1 }, { failedReads: 1 }]) expect(isRight({ lost: 0, duplicated: 0, failedReads: 0, ...wrong })).toBe(false);
});
