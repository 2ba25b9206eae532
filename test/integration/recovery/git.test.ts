import { afterAll, beforeAll, expect, test } from 'vitest';
import { conditionBecomes } from '../bad-input/conditions.ts';
import { gone, openTopology, type Topology } from '../deletion/topology.ts';

// Migrations stay in Git when they have ended, and whoever applies a repository applies all of them.

let topology: Topology;
beforeAll(async () => {
  topology = await openTopology('git');
});
afterAll(async () => {
  await topology?.[Symbol.asyncDispose]();
});

const migrate = (name: string, spec: object = {}): Promise<void> => topology.scene.migrate(name, ['Pipeline/priced'], spec);
const finished = (name: string, reason: string) =>
  conditionBecomes(topology.scene, 'StreamMigration', name, 'Finished', 'True').then((condition) => expect(condition.reason).toBe(reason));
const revisions = async (): Promise<readonly string[]> => (await topology.scene.revisions()).map(({ metadata }) => metadata.name).sort();

test('all at once, where nothing is: what is written is built, and no migration has anything to do', async () => {
  const { scene, apply, shows } = topology;
  await migrate('first');
  await migrate('second');
  const change = {
    kind: 'Pipeline',
    name: 'priced',
    base: 'v1:of-what-was-live-once',
    set: { sql: 'INSERT INTO priced SELECT id, amount * 9 AS amount FROM orders' },
  };
  await scene.apply({ kind: 'StreamMigration', name: 'inline', spec: { changes: [change] } });
  await apply(2);
  await shows(2);
  await finished('first', 'NothingToDo');
  await finished('second', 'NothingToDo');
  const stalled = await conditionBecomes(scene, 'StreamMigration', 'inline', 'Stalled', 'True', 'GRUE-MIG-008');
  expect(stalled.reason).toBe('WaitingForBase');
  expect(await revisions()).toEqual(['connection-priced-1', 'pipeline-priced-1', 'stream-orders-1', 'stream-priced-1']);
  await scene.remove('StreamMigration', 'inline');
});

test('one that has ended is created once more, then under another name: neither does anything', async () => {
  const { scene, apply, shows, physical } = topology;
  await apply(3);
  await migrate('threefold');
  await finished('threefold', 'Completed');
  await shows(3);
  const [made, known] = [await physical(), await revisions()];
  await scene.remove('StreamMigration', 'threefold');
  await gone(scene, 'StreamMigration', 'threefold');
  await migrate('threefold');
  await finished('threefold', 'NothingToDo');
  await migrate('renamed');
  await finished('renamed', 'NothingToDo');
  expect([await physical(), await revisions()]).toEqual([made, known]);
});

test('one that a person gave up is refused under another name, until a retry is asked for', async () => {
  const { scene, apply, shows } = topology;
  await apply(4);
  await migrate('fourfold', { manual: ['Flip'] });
  await scene.inPhase('fourfold', 'AwaitingApproval');
  await scene.ask('fourfold', 'abort');
  await finished('fourfold', 'Aborted');
  await migrate('fourfold-again');
  await conditionBecomes(scene, 'StreamMigration', 'fourfold-again', 'Stalled', 'True', 'GRUE-MIG-005');
  await shows(3);
  await migrate('fourfold-again', { retry: 1 });
  await finished('fourfold-again', 'Completed');
  await shows(4);
});
