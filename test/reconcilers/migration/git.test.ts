import { expect, test } from 'vitest';
import { idOf, pointOf } from '../../crash/fates.ts';
import { scenarioOf } from '../../crash/player.ts';
import { play } from '../../crash/run.ts';

/** What has gone wrong while migrations that stand in Git were applied again, at every effect at which it did. */
async function complaintsOf(scenario: string, mode: 'done-but-timed-out' | 'kill-before', last: number): Promise<readonly string[]> {
  const told = scenarioOf(pointOf(scenario));
  const calm = await play(told, pointOf(scenario));
  const found: string[] = [];
  for (let at = 1; at <= last; at++) {
    const point = { ...pointOf(scenario), fates: [{ at, mode }] };
    for (const complaint of (await play(told, point, { expected: calm.end })).complaints) found.push(`${idOf(point)}: ${complaint}`);
  }
  return found;
}

test('what a person gave up a moment ago is not rolled out under another name, although no resource says yet that it was given up', async () => {
  expect(await complaintsOf('rejected-and-renamed', 'done-but-timed-out', 20)).toEqual([]);
});

test('migrations that are applied all at once with their topology, where nothing is, do not supersede each other', async () => {
  expect(await complaintsOf('all-at-once', 'kill-before', 20)).toEqual([]);
});
