import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { block, type Frame, line } from '../../demo/frame.ts';

const frame: Frame = {
  migration: {
    number: 1,
    name: 'delays-in-hours',
    what: 'hours instead of minutes',
    phases: [
      { name: 'Pending', seconds: 1.2 },
      { name: 'CatchingUp', seconds: 12 },
    ],
    message: '3,200 records behind',
    eta: 7.2,
  },
  records: { acknowledged: 142_302, rows: 200_000, perSecond: 1_203.4 },
  sides: [
    { role: 'live', index: 'one', behindInSql: 0, behindInSink: 12, documents: 142_288, perSecond: 1_200 },
    { role: 'green', index: 'two', behindInSql: 3_200, behindInSink: undefined, documents: 98_000, perSecond: 22_000 },
  ],
  reads: { total: 34_200, failed: 0, empty: 0, mixed: 0, perSecond: 1_320, index: 'one' },
};

test('the block shows the way, how far each side is, and which one readers are on', () => {
  const text = block(frame, 120).map(stripVTControlCharacters);
  expect(text).toEqual([
    '',
    '  Migration 1 of 2: delays-in-hours, hours instead of minutes',
    '  Pending 1 s › CatchingUp 12 s › Verifying › Flipping › Soaking › TearingDown › Completed',
    '  3,200 records behind, about 8 s left',
    '',
    '  records   142,302 of 200,000 acknowledged by Kafka, 1,203/s',
    '',
    '             SQL is behind sink is behind      documents     per second',
    '    live                 0             12        142,288          1,200  ← readers',
    '    green            3,200              -         98,000         22,000',
    '',
    '  reads     34,200 through the alias, 1,320/s: 0 failed, 0 empty, 0 mixed',
    '',
  ]);
});

test('a way that is too long for the terminal goes on in the next line', () => {
  const text = block(frame, 60).map(stripVTControlCharacters);
  expect(text.slice(2, 4)).toEqual(['  Pending 1 s › CatchingUp 12 s › Verifying › Flipping', '    › Soaking › TearingDown › Completed']);
});

test('off the straight way nothing is promised', () => {
  const phases = [
    { name: 'Soaking', seconds: 4 },
    { name: 'RollingBack', seconds: 1 },
  ] as const;
  const text = block({ ...frame, migration: { ...frame.migration!, phases, eta: undefined } }, 120).map(stripVTControlCharacters);
  expect(text.slice(2, 4)).toEqual(['  Soaking 4 s › RollingBack 1 s', '  3,200 records behind']);
});

test('without a terminal the same is one line', () => {
  expect(stripVTControlCharacters(line(frame))).toBe(
    'delays-in-hours CatchingUp, about 8 s left; 142,302 of 200,000 records (1,203/s); ' +
      'live 142,288 documents (1,200/s, behind 0 in SQL, 12 in sink); green 98,000 documents (22,000/s, behind 3,200 in SQL, - in sink); ' +
      '34,200 reads (1,320/s, 0 failed, 0 empty, 0 mixed)',
  );
});
