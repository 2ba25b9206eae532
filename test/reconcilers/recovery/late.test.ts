import { expect, test } from 'vitest';
import { pointOf } from '../../crash/fates.ts';
import { scenarioOf } from '../../crash/player.ts';
import { play } from '../../crash/run.ts';

test('what a request has made that came when its migration had been given up is listed as an orphan, whatever it was', async () => {
  const scenario = scenarioOf(pointOf('abort'));
  const calm = await play(scenario, pointOf('abort'));
  const creations = calm.effects.filter(({ verb }) => ['createTopic', 'createIndex', 'commitStart'].includes(verb));
  expect(creations.length).toBeGreaterThanOrEqual(6);
  const complaints: string[] = [];
  let left = 0;
  for (const { n } of creations) {
    const late = await play(scenario, pointOf(`abort/${n}/timed-out-done-later`), { expected: calm.end });
    complaints.push(...late.complaints);
    left += late.effects[n - 1]?.result === 'done later' ? 1 : 0;
  }
  expect(complaints).toEqual([]);
  expect(left).toBeGreaterThan(0);
});
