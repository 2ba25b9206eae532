import { expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds.ts';
import { type Mode, pointOf } from '../../crash/fates.ts';
import { play } from '../../crash/run.ts';
import type { Scenario } from '../../crash/scenario.ts';
import { applyAll, isInstalled, narrow, orderRecords, produce } from '../../crash/scenarios/shop.ts';
import { namespace, type Simulation } from '../../crash/simulation.ts';

/** Objects vanish as with a lost etcd; statuses are there no more. */
function lose({ store }: Simulation, kind: 'Revision' | 'Stream' | 'Pipeline' | 'Connection', what: 'object' | 'status'): void {
  for (const { metadata } of store.list(kinds[kind], namespace)) {
    const ref = { namespace, name: metadata.name };
    if (what === 'status') store.merge(kinds[kind], ref, { status: null });
    else {
      store.merge(kinds[kind], ref, { metadata: { finalizers: null } });
      store.remove(kinds[kind], ref);
    }
  }
}

const losing = (name: string, says: string, act: (sim: Simulation) => void): Scenario => ({
  ...{ name, says, readers: ['orders-found'], records: orderRecords(12, 24) },
  setting: {
    prepare: (sim) => {
      sim.kafka.createTopic({ name: 'orders', partitions: 2, config: {} });
      produce(sim, orderRecords(0, 12));
      applyAll(sim, narrow);
    },
    begins: isInstalled,
  },
  story: [{ says, when: () => true, act }],
  ends: isInstalled,
});

const scenarios = [
  losing('revisions-lost', 'all Revisions are lost', (sim) => lose(sim, 'Revision', 'object')),
  losing('statuses-lost', 'all statuses are lost', (sim) => {
    for (const kind of ['Revision', 'Stream', 'Pipeline', 'Connection'] as const) lose(sim, kind, 'status');
  }),
  losing('revisions-deleted', 'all Revisions are deleted by hand', ({ store, people }) => {
    for (const { metadata } of people.revisions()) store.remove(kinds.Revision, metadata);
  }),
];

/** What can befall the operator at a call. To be killed before one is to be killed after the one before. */
const modes: readonly Mode[] = ['kill-after', 'done-but-timed-out', 'timed-out-done-later'];

test.each(scenarios)('while $says the operator may be killed at any call: all ends as if it had not been', async (scenario) => {
  const calm = await play(scenario, pointOf(scenario.name));
  expect(calm.complaints).toEqual([]);
  expect(calm.effects.length).toBeGreaterThan(0);
  const ids = calm.effects.flatMap((_, at) => modes.map((mode) => `${scenario.name}/${at + 1}/${mode}`));
  const complaints: string[] = [];
  for (const id of ids) for (const complaint of (await play(scenario, pointOf(id), calm.end)).complaints) complaints.push(`${id}: ${complaint}`);
  expect(complaints).toEqual([]);
});
