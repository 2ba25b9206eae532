import { expect, test } from 'vitest';
import { runChaos } from '../../chaos/run.ts';

/** The run that means something takes ten minutes, `npm run test:chaos`; this one shows that the tool works. */
test('half a minute of killing loses nothing, shows readers nothing, and leaves nothing behind', async () => {
  const report = await runChaos({ seconds: 30, seed: 'smoke', say: (line) => console.info(line), signal: new AbortController().signal });
  expect(report).toMatchObject({
    lost: 0,
    duplicated: 0,
    wrong: 0,
    deadLetters: 0,
    reads: { failed: 0, empty: 0, mixed: 0 },
    leftBehind: [],
    problems: [],
  });
  expect(report.kills).toBeGreaterThanOrEqual(2);
  expect(report.migrations).toBeGreaterThanOrEqual(1);
  expect(report.reads.total).toBeGreaterThan(1_000);
}, 600_000);
