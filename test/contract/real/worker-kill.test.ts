import { describe, expect, test } from 'vitest';
import { stack } from '../../stack/for-tests.ts';
import type { StageProcessPlan } from '../../support/stage-process.ts';
import { WorkerWorld } from './worker-world.ts';

type Kill = NonNullable<StageProcessPlan['kill']>;

const servers = () => ({ kafka: stack().kafka.bootstrapServers, elasticsearch: stack().elasticsearch.url });
const both = (call: Kill['call'], nth: number): Kill[] => [
  { call, when: 'before', nth },
  { call, when: 'after', nth },
];

/** Every await of the protocol, in the order in which a stage comes to them. A bulk request that is lost after it was done makes digests be asked for. */
const sinkKills = [
  ...both('committed', 1),
  ...both('offsets', 1),
  ...both('prepare', 2),
  ...both('bulk', 2),
  ...both('digests', 1),
  ...both('dead-letters', 2),
  ...both('commit', 2),
];
const pipelineKills = [...both('prepare', 2), ...both('produce', 2), ...both('dead-letters', 1), ...both('commit', 2)];
const EACH = 1_200;
const BAD_EVERY = 200;

/** Lets one stage after the other die, each with new records to read, and then one live. */
async function runWithKills(world: WorkerWorld, kills: readonly Kill[]): Promise<void> {
  for (const kill of kills) {
    await world.produce(EACH, BAD_EVERY);
    const stage = world.start({ kill, fetchBytes: 65_536 });
    expect({ kill, ended: await Promise.race([stage.ended, failAfter(40_000, stage.log)]) }).toEqual({ kill, ended: 'SIGKILL' });
  }
  world.start();
  await world.caughtUp();
}

const failAfter = (milliseconds: number, log: () => string): Promise<string> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(`not killed: ${log()}`), milliseconds).unref();
  });

const numbers = (count: number): number[] => Array.from({ length: count }, (_, id) => id);
const isBad = (id: number): boolean => id % BAD_EVERY === BAD_EVERY - 1;
const ascending = (a: number, b: number): number => a - b;

describe('a stage that is killed before and after each await', () => {
  test.concurrent('a sink loses nothing and writes nothing twice', { timeout: 600_000 }, async () => {
    await using world = new WorkerWorld(servers(), 3);
    await world.create('sink');
    await world.commitStart();
    await runWithKills(world, sinkKills);

    const produced = numbers(EACH * sinkKills.length);
    expect((await world.documentIds()).sort(ascending)).toEqual(produced.filter((id) => !isBad(id)));
    expect(await world.buriedIds()).toEqual(produced.filter(isBad));
  });

  test.concurrent('a pipeline loses nothing, and what it writes twice has one identity', { timeout: 600_000 }, async () => {
    await using world = new WorkerWorld(servers(), 3);
    await world.create('pipeline');
    await world.commitStart();
    await runWithKills(world, pipelineKills);

    const produced = numbers(EACH * pipelineKills.length);
    const written = (await world.values(world.output)).map((value) => JSON.parse(value).id as number);
    expect([...new Set(written)].sort(ascending)).toEqual(produced.filter((id) => !isBad(id)));
    expect(await world.buriedIds()).toEqual(produced.filter(isBad));
  });
});
