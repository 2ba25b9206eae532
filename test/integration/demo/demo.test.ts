import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { verdict } from '../../../demo/report.ts';
import { runDemo } from '../../../demo/run.ts';
import { openScreen } from '../../../demo/screen.ts';
import { startWorld } from '../../../demo/world.ts';
import { stack } from '../../stack/for-tests.ts';

/** The servers are shared with other tests. */
const id = randomBytes(3).toString('hex');
const names = { namespace: `demo-${id}`, topic: `demo-flights-${id}`, alias: `demo-delays-${id}` };
const lines: string[] = [];
const screen = openScreen({ isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream);

afterAll(() => screen.end());

test('a small demo on the real servers: a migration under traffic, one that is rolled back, and nothing lost or duplicated', { timeout: 900_000 }, async () => {
  const stopped = new AbortController();
  const fail = (error: unknown): void => stopped.abort(error);
  await using world = await startWorld({ servers: stack(), names, keep: false, say: screen.say, signal: stopped.signal, onLoss: fail });
  const { report, records } = await runDemo(world, 10_000, screen, stopped.signal, fail).catch((error: unknown) => {
    throw new Error(`the demo failed after\n${lines.join('')}`, { cause: error });
  });
  expect(verdict(report)).toEqual([]);
  expect(records).toBe(10_000);
  expect(report.phases.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Provisioning', 'CatchingUp', 'Verifying', 'Flipping', 'Soaking', 'TearingDown']),
  );
  expect(report.rollback.phases.map(({ name }) => name)).toEqual(expect.arrayContaining(['Soaking', 'RollingBack', 'RolledBack']));
});
