import { describe, expect, test } from 'vitest';
import { fingerprints } from '../../src/topology/fingerprint.ts';
import type { Definition } from '../../src/topology/graph.ts';
import { liveRevisions } from '../../src/topology/live.ts';
import { type PlanInput, planRevisions } from '../../src/topology/plan.ts';
import {
  emptyNamespace,
  external,
  flights,
  flip,
  graphOf,
  type Namespace,
  pipeline,
  planInput,
  planned,
  provision,
  sink,
  stepLines,
  stream,
  withDefinitions,
} from './builders.ts';

/** A namespace in which the definitions are live. */
function installed(definitions: readonly Definition[]): Namespace {
  const plan = planned(planInput(emptyNamespace, new Map(), definitions));
  return flip(provision(emptyNamespace, plan), plan);
}

const liveIn = ({ revisions, aliases }: Namespace) => liveRevisions(revisions, aliases);
const migrate = (namespace: Namespace, definitions: readonly Definition[], parts: Partial<PlanInput> = {}) =>
  planInput(namespace, liveIn(namespace), definitions, parts);

const inHours = pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'date, delay / 3600.0 AS hours' });
const changedFlights = withDefinitions(flights, inHours);

describe('a first install', () => {
  const plan = planned(planInput(emptyNamespace, new Map(), flights));

  test('makes a Revision of everything, also of the external stream, which has nothing physical of its own', () => {
    expect(stepLines(plan)).toEqual([
      'Clone Stream/flights: first read now; its topic stays',
      'Clone Pipeline/delays: no Revision of it is live',
      'Clone Stream/delays: no Revision of it is live',
      'Clone Connection/delays-index: no Revision of it is live',
    ]);
    expect(plan.revisions.map(({ name, spec }) => [name, spec.physical])).toEqual([
      ['stream-flights-1', { topic: 'flights' }],
      ['pipeline-delays-1', { group: 'grue.flights.delays.1-5sufix', deadLetters: 'grue.flights.delays.1-5sufix.dead-letters' }],
      ['stream-delays-1', { topic: 'grue.flights.delays.1-3sufix' }],
      [
        'connection-delays-index-1',
        {
          group: 'grue.flights.delays-index.1-3sufix',
          deadLetters: 'grue.flights.delays-index.1-3sufix.dead-letters',
          index: 'grue.flights.delays-index.1-3sufix',
        },
      ],
    ]);
  });

  test('joins each Revision to those above it, and tells each stage all that it needs of its streams', () => {
    const [root, delays, output, index] = plan.revisions.map(({ spec }) => spec);
    expect([root, delays, output, index].map((spec) => spec?.inputs)).toEqual([[], ['stream-flights-1'], ['pipeline-delays-1'], ['stream-delays-1']]);
    expect(delays?.pipeline?.reads).toEqual([
      {
        stream: 'flights',
        revision: 'stream-flights-1',
        topic: 'flights',
        root: true,
        epoch: 0,
        type: 'Append',
        fields: [
          { name: 'date', type: 'TIMESTAMP(3)' },
          { name: 'delay', type: 'INT' },
        ],
      },
    ]);
    expect(delays?.pipeline?.writes).toMatchObject({ stream: 'delays', revision: 'stream-delays-1', topic: output?.physical.topic, root: false, epoch: 0 });
    expect(index?.connection?.reads).toMatchObject({ revision: 'stream-delays-1', topic: output?.physical.topic });
    expect(output?.stream).toMatchObject({ partitions: 3, external: false, retentionLike: 'flights' });
    expect(root?.stream).toMatchObject({ partitions: 2, external: true });
  });

  test('does not ask whether history is covered: there is no blue to live up to', () => {
    expect(planned(planInput(emptyNamespace, new Map(), flights, { covers: () => false })).revisions).toHaveLength(4);
  });

  test('of a root without facts is refused', () => {
    expect(() => planRevisions(planInput(emptyNamespace, new Map(), flights, { roots: new Map() }))).toThrow(
      expect.objectContaining({ code: 'GRUE-KFK-001', message: 'the topic flights of Stream/flights does not exist' }),
    );
  });

  test('of a sink on a stream that is live shares the stream', () => {
    const namespace = installed(flights);
    const second = withDefinitions(flights, sink('again', 'delays'));
    const plan = planned(migrate(namespace, second, { named: ['Connection/again'], migration: '' }));
    expect(stepLines(plan)).toEqual([
      'Share Stream/flights: written by others',
      'Share Pipeline/delays: unchanged',
      'Share Stream/delays: unchanged',
      'Clone Connection/again: no Revision of it is live',
    ]);
  });
});

test('a first install never clones what is live, not even when an edit of it waits to be rolled out', () => {
  const edited = withDefinitions(flights, inHours, sink('again', 'delays'));
  expect(() => planRevisions(migrate(installed(flights), edited, { named: ['Connection/again'], migration: '' }))).toThrow(
    expect.objectContaining({
      code: 'GRUE-API-005',
      message: 'a first install would clone Stream/delays, which is live: what is live differs from what is wanted',
    }),
  );
});

describe('a migration', () => {
  const namespace = installed(flights);

  test('clones from the changed arrow down and shares what is above', () => {
    const plan = planned(migrate(namespace, changedFlights, { named: ['Pipeline/delays'] }));
    expect(stepLines(plan)).toEqual([
      'Share Stream/flights: written by others',
      'Clone Pipeline/delays: SQL changed',
      'Clone Stream/delays: Pipeline/delays, which is cloned, writes it',
      'Clone Connection/delays-index: reads Stream/delays, which is cloned',
    ]);
    expect(plan.revisions.map(({ name }) => name)).toEqual(['pipeline-delays-2', 'stream-delays-2', 'connection-delays-index-2']);
    expect(plan.revisions[0]?.spec.inputs).toEqual(['stream-flights-1']);
  });

  test('of a mapping clones the sink alone', () => {
    const mapped = withDefinitions(
      flights,
      sink('delays-index', 'delays', { destination: { alias: 'delays', mappings: { properties: { hours: { type: 'float' } } } } }),
    );
    expect(stepLines(planned(migrate(namespace, mapped)))).toEqual([
      'Share Stream/flights: written by others',
      'Share Pipeline/delays: unchanged',
      'Share Stream/delays: unchanged',
      'Clone Connection/delays-index: mappings changed',
    ]);
  });

  const reasons: readonly { readonly name: string; readonly change: readonly Definition[]; readonly why: string }[] = [
    {
      name: 'schema and partitions',
      change: [stream('delays', { date: 'TIMESTAMP(3)', hours: 'FLOAT' }, { partitions: 6 })],
      why: 'Clone Stream/delays: schema and partitions changed',
    },
    {
      name: 'a key',
      change: [stream('delays', { date: 'TIMESTAMP(3)', hours: 'DOUBLE' }, { partitions: 3, keys: { partition: ['date'] } })],
      why: 'Clone Stream/delays: keys changed',
    },
    {
      name: 'the output stream, which its writer has to know',
      change: [stream('delays', { date: 'TIMESTAMP(3)', hours: 'FLOAT' }, { partitions: 3 })],
      why: 'Clone Pipeline/delays: the definition of Stream/delays changed',
    },
    {
      name: 'a type at the root',
      change: [external('flights', { date: 'TIMESTAMP(3)', delay: 'BIGINT' })],
      why: 'Clone Pipeline/delays: the definition of Stream/flights changed',
    },
    {
      name: 'a type at the root, in the Revision of the root',
      change: [external('flights', { date: 'TIMESTAMP(3)', delay: 'BIGINT' })],
      why: 'Clone Stream/flights: schema changed; its topic stays',
    },
  ];
  test.each(reasons)('says why: $name', ({ change, why }) => {
    expect(stepLines(planned(migrate(namespace, withDefinitions(flights, ...change))))).toContain(why);
  });

  test('that changes nothing has nothing to do', () => {
    expect(planRevisions(migrate(namespace, flights, { named: ['Pipeline/delays'] }))).toEqual({
      nothingToDo: 'Pipeline/delays and what is below it are live as wanted',
    });
  });

  test('of a column at the root that nobody uses has nothing to do', () => {
    const wider = withDefinitions(flights, external('flights', { date: 'TIMESTAMP(3)', delay: 'INT', carrier: 'STRING' }));
    expect(planRevisions(migrate(namespace, wider, { named: ['Stream/flights'] }))).toEqual({
      nothingToDo: 'no reader of Stream/flights uses what differs from live',
    });
  });

  test('leaves alone what differs outside of what it names', () => {
    const two = [...flights, pipeline('counts', { from: 'flights', to: 'counts' }), stream('counts'), sink('counts-index', 'counts')];
    const both = withDefinitions(two, inHours, pipeline('counts', { from: 'flights', to: 'counts', does: 'other' }));
    const plan = planned(migrate(installed(two), both, { named: ['Pipeline/counts'] }));
    expect(plan.revisions.map(({ name }) => name)).toEqual(['pipeline-counts-2', 'stream-counts-2', 'connection-counts-index-2']);
  });

  test('clones what it names although nothing changed, if a rebuild is asked for', () => {
    expect(stepLines(planned(migrate(namespace, flights, { named: ['Connection/delays-index'], rebuild: true })))).toContain(
      'Clone Connection/delays-index: a rebuild was asked for',
    );
  });

  test('starts further up where the topic between no longer holds the history', () => {
    const covers: PlanInput['covers'] = ({ spec }) => spec.of.name !== 'delays';
    const plan = planned(migrate(namespace, flights, { named: ['Connection/delays-index'], rebuild: true, covers }));
    expect(stepLines(plan)).toEqual([
      'Share Stream/flights: written by others',
      'Clone Pipeline/delays: writes Stream/delays, which is cloned',
      'Clone Stream/delays: its topic no longer holds the history that Connection/delays-index needs',
      'Clone Connection/delays-index: a rebuild was asked for',
    ]);
  });

  test('is refused where not even the root holds the history', () => {
    expect(() => planRevisions(migrate(namespace, changedFlights, { covers: () => false }))).toThrow(
      expect.objectContaining({
        code: 'GRUE-MIG-007',
        message: 'the topic flights of Stream/flights no longer holds the history that Pipeline/delays was built from',
      }),
    );
  });

  test('clones what was bound to a root whose topic has been replaced since', () => {
    const plan = planned(
      migrate(namespace, flights, { named: ['Stream/flights'], rebuild: false, roots: new Map([['Stream/flights', { epoch: 1, partitions: 2 }]]) }),
    );
    expect(stepLines(plan)).toContain('Clone Pipeline/delays: the topic behind Stream/flights was replaced');
    expect(plan.revisions.find(({ name }) => name === 'pipeline-delays-2')?.spec.pipeline?.reads[0]?.epoch).toBe(1);
  });

  test('marks the records of each of several writers of one stream', () => {
    const two = withDefinitions(flights, external('more'), pipeline('more-delays', { from: 'more', to: 'delays' }));
    const plan = planned(migrate(namespace, two, { named: ['Pipeline/more-delays'] }));
    expect(plan.revisions.map(({ spec }) => spec.pipeline?.path)).toEqual([undefined, 'delays', 'more-delays', undefined, undefined]);
    expect(plan.revisions.find(({ name }) => name === 'stream-delays-2')?.spec.inputs).toEqual(['pipeline-delays-2', 'pipeline-more-delays-1']);
    expect(stepLines(plan)).toContain('Clone Pipeline/delays: writes Stream/delays, which is cloned');
  });

  test('that nothing below it makes visible is refused', () => {
    const sinkless = flights.slice(0, 3);
    const changed = withDefinitions(sinkless, inHours);
    expect(() => planRevisions(migrate(installed(sinkless), changed))).toThrow(expect.objectContaining({ code: 'GRUE-API-005' }));
  });

  test('to another alias is refused, because the readers of the old one would be left behind', () => {
    const moved = withDefinitions(flights, sink('delays-index', 'delays', { destination: { alias: 'other' } }));
    expect(() => planRevisions(migrate(namespace, moved))).toThrow(expect.objectContaining({ code: 'GRUE-API-005', at: 'spec.destination.alias' }));
  });

  test('to another Platform is refused', () => {
    const moved = [...changedFlights].map((definition) => ({ ...definition, spec: { ...definition.spec, platformRef: { name: 'other' } } }) as Definition);
    expect(() => planRevisions(migrate(namespace, moved))).toThrow(expect.objectContaining({ code: 'GRUE-API-005', at: 'spec.platformRef' }));
  });

  test('that names what does not exist is refused', () => {
    expect(() => planRevisions(migrate(namespace, flights, { named: ['Pipeline/nothing'] }))).toThrow(expect.objectContaining({ code: 'GRUE-API-002' }));
  });

  test('with more partitions than the bound is refused', () => {
    const wide = withDefinitions(
      flights,
      stream('delays', { date: 'TIMESTAMP(3)', hours: 'DOUBLE' }, { partitions: 2000 }),
      pipeline('two', { from: 'delays', to: 'two' }),
      stream('two'),
      sink('two', 'two'),
    );
    expect(() => planRevisions(migrate(namespace, wide))).toThrow(expect.objectContaining({ code: 'GRUE-MIG-004' }));
  });
});

describe('a change that is taken back', () => {
  const before = installed(flights);
  const forward = planned(migrate(before, changedFlights));
  const after = flip(provision(before, forward), forward);
  const blue = before.revisions.filter(({ spec }) => !(spec.of.kind === 'Stream' && spec.of.name === 'flights'));

  test('flips back to blue while it is still fed, and makes nothing', () => {
    const plan = planned(migrate(after, flights, { named: ['Pipeline/delays'], retired: blue }));
    expect(plan.steps.map(({ action, from, to }) => `${action} ${from} ${to}`)).toEqual([
      'Share stream-flights-1 stream-flights-1',
      'FlipBack pipeline-delays-2 pipeline-delays-1',
      'FlipBack stream-delays-2 stream-delays-1',
      'FlipBack connection-delays-index-2 connection-delays-index-1',
    ]);
    expect(plan.revisions).toEqual([]);
    const back = flip(after, plan);
    expect(liveIn(back).get('Connection/delays-index')?.metadata.name).toBe('connection-delays-index-1');
  });

  test('makes new Revisions, with new numbers, when blue is gone or only in part what is wanted', () => {
    expect(planned(migrate(after, flights)).revisions.map(({ name }) => name)).toEqual(['pipeline-delays-3', 'stream-delays-3', 'connection-delays-index-3']);
    const mapped = withDefinitions(flights, sink('delays-index', 'delays', { destination: { alias: 'delays', settings: { number_of_shards: 2 } } }));
    expect([...new Set(planned(migrate(after, mapped, { retired: blue })).steps.map(({ action }) => action))]).toEqual(['Share', 'Clone']);
  });
});

describe('of several blue generations', () => {
  const first = installed(flights);
  const rebuild = planned(migrate(first, flights, { named: ['Pipeline/delays'], rebuild: true, migration: 'rebuild' }));
  const second = flip(provision(first, rebuild), rebuild);
  const forward = planned(migrate(second, changedFlights));
  const third = flip(provision(second, forward), forward);
  const blue = second.revisions.filter(({ spec }) => spec.of.name !== 'flights');

  test('the newest is flipped back to', () => {
    const plan = planned(migrate(third, flights, { retired: blue }));
    expect(plan.steps.filter(({ action }) => action === 'FlipBack').map(({ to }) => to)).toEqual([
      'pipeline-delays-2',
      'stream-delays-2',
      'connection-delays-index-2',
    ]);
  });

  test('parts of two are not mixed, though they mean the same: the sink of one does not read the stream of the other', () => {
    const mixed = blue.filter(({ spec }) => (spec.of.kind === 'Connection' ? spec.number === 1 : spec.number === 2));
    expect(planned(migrate(third, flights, { retired: mixed })).steps.some(({ action }) => action === 'FlipBack')).toBe(false);
  });

  test('none is flipped back to that was bound to a root whose topic has been replaced since', () => {
    const roots: PlanInput['roots'] = new Map([['Stream/flights', { epoch: 1, partitions: 2 }]]);
    expect(planned(migrate(third, flights, { retired: blue, roots })).steps.some(({ action }) => action === 'FlipBack')).toBe(false);
  });
});

describe('the hash of a plan', () => {
  const namespace = installed(flights);
  const hash = (parts: Partial<PlanInput>, definitions = changedFlights): string => planned(migrate(namespace, definitions, parts)).hash;

  test('does not depend on the random suffixes', () => {
    expect(hash({ suffix: () => 'aaaaaa' })).toBe(hash({ suffix: () => 'bbbbbb' }));
  });

  test('depends on what is done', () => {
    const other = withDefinitions(flights, pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'something else' }));
    expect(hash({}, other)).not.toBe(hash({}));
    expect(hash({ migration: 'another' })).not.toBe(hash({}));
  });
});

test('every step names the fingerprint of the Revision that it leads to', () => {
  const namespace = installed(flights);
  const wanted = fingerprints(graphOf(changedFlights));
  for (const { of, fingerprint } of planned(migrate(namespace, changedFlights)).steps) expect(fingerprint).toBe(wanted.get(`${of.kind}/${of.name}`));
});
