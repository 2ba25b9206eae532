import { expect, test } from 'vitest';
import { pointOf } from '../../crash/fates.ts';
import { play } from '../../crash/run.ts';
import type { Scenario } from '../../crash/scenario.ts';
import { applyAll, isInstalled, narrow, orderRecords, produce } from '../../crash/scenarios/shop.ts';
import type { Simulation } from '../../crash/simulation.ts';

const isOnItsWay = ({ choke }: Simulation): boolean => choke.effects.some(({ verb, fate }) => verb === 'bindAlias' && fate !== undefined);

/** A sink is taken away and written anew while the call is on its way that gives the alias to its first index. */
const installReplaced: Scenario = {
  ...{ name: 'install-replaced', says: 'a first install is superseded by another', readers: ['orders-found'], records: orderRecords(12, 24) },
  setting: {
    prepare: (sim) => {
      sim.kafka.createTopic({ name: 'orders', partitions: 2, config: {} });
      produce(sim, orderRecords(0, 12));
    },
    begins: () => true,
  },
  story: [
    { says: 'everything is applied', when: () => true, act: (sim) => applyAll(sim, narrow) },
    {
      says: 'the sink and its Revision are taken away',
      when: isOnItsWay,
      act: ({ people }) => {
        people.remove('Connection', 'orders-found');
        people.remove('Revision', 'connection-orders-found-1');
      },
    },
    {
      says: 'the sink is written anew',
      when: () => true,
      afterSeconds: 1,
      act: ({ people }) => {
        const [, , spec] = narrow.find(([kind]) => kind === 'Connection') ?? [];
        people.apply('Connection', 'orders-found', {
          ...spec,
          destination: { alias: 'orders-found', mappings: { properties: { item: { type: 'keyword' } } }, settings: {} },
        });
      },
    },
  ],
  ends: isInstalled,
};

test.each(['killed-between', 'timed-out-between'] as const)(
  'an alias that a first install binds late (%s) does not stand beside that of its successor, however late it is',
  async (mode) => {
    const calm = await play({ ...installReplaced, story: installReplaced.story.slice(0, 1) }, pointOf('install-replaced'));
    const at = calm.effects.find(({ verb }) => verb === 'bindAlias')?.n;
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { complaints, end, effects } = await play(installReplaced, { ...pointOf(`install-replaced/${at}/${mode}`), seed });
      expect(complaints).toEqual([]);
      expect(effects.filter(({ verb }) => verb === 'bindAlias').length).toBeGreaterThan(0);
      const [index] = (end['live set'] as Readonly<Record<string, readonly string[]>>)['orders-found'] ?? [];
      expect(end['live set']).toEqual({ 'orders-found': [index] });
      const owner = Object.values(end['revisions'] ?? {}).find((one) => (one as { physical: { index?: string } }).physical.index === index);
      expect(owner).toMatchObject({ role: 'live', bound: true, state: 'Running', deleting: false });
    }
  },
);
