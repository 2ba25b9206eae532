import { expect, test } from 'vitest';
import { type AliasLog, judgeAliases, type Move } from './aliases.ts';

const aliases = ['a', 'b'];
const move = (intendedAt: string, direction: Move['direction'], ...intent: readonly (readonly [alias: string, from: string, to: string])[]): Move => ({
  intendedAt,
  direction,
  intent: intent.map(([alias, from, to]) => ({ alias, from: { index: from, uuid: from }, to: { index: to, uuid: to } })),
});
const log = (standings: AliasLog['standings'], answered: AliasLog['answered'] = standings): AliasLog => ({
  looks: 100,
  wrong: [],
  standings,
  reads: { total: 100, failed: 0, empty: 0, mixed: 0 },
  answered: answered.map((indices) => [...indices].sort()),
});

const both = move('2026-01-01T00:00:01Z', 'Forward', ['a', 'a1', 'a2'], ['b', 'b1', 'b2']);
const backAgain = move('2026-01-01T00:00:09Z', 'Back', ['b', 'b3', 'b2']);
const right = [
  ['a1', 'b1'],
  ['a2', 'b2'],
  ['a2', 'b3'],
  ['a2', 'b2'],
];

test('moves that readers saw once each, and a rollback as there and back, are right', () => {
  expect(judgeAliases(log(right), aliases, [backAgain, both])).toEqual({ mixed: 0, problems: [] });
});

test.each([
  ['a move of one alias before the other', [['a1', 'b1'], ['a2', 'b1'], ...right.slice(1)]],
  ['a move that no migration made', [...right, ['a1', 'b2']]],
  ['a move that was made twice', [...right.slice(0, 2), ...right.slice(0, 2), ...right.slice(2)]],
  ['a move that readers never saw', right.slice(0, 3)],
])('%s is a problem', (_, standings) => {
  expect(judgeAliases(log(standings, right), aliases, [both, backAgain]).problems).toEqual([expect.stringContaining('moved otherwise')]);
});

test('a search that was answered by indices which never stood together is mixed', () => {
  const { mixed, problems } = judgeAliases(log(right, [...right, ['a1', 'b2']]), aliases, [both, backAgain]);
  expect([mixed, problems.length]).toEqual([1, 1]);
});

test('an alias on no index, or on two, is a problem', () => {
  const { problems } = judgeAliases({ ...log([['a1', 'b1']]), wrong: ['404: {}'] }, aliases, []);
  expect(problems).toEqual(['an alias was not on exactly one index: 404: {}']);
});
