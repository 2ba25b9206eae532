import { describe, expect, test } from 'vitest';
import type { Revision, RevisionStatus } from '../../../src/api/revision.ts';
import type { IndexFacts, Offset, TopicFacts } from '../../../src/drivers/ports.ts';
import { remove } from '../../../src/reconcilers/revision/remove.ts';
import type { Servers } from '../../../src/reconcilers/servers.ts';
import type { World } from '../../../src/reconcilers/world.ts';
import { foreignName } from '../../../src/topology/names.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { revision } from '../migration/snapshots.ts';

const signal = new AbortController().signal;
const physical = 'grue.flights.delays-index.2-bbbbbb';
const dead = `${physical}.dead-letters`;
const input = 'grue.flights.delays.2-cccccc';

const sink = (status: RevisionStatus | undefined, names: Partial<Revision['spec']['physical']> = {}): Revision => {
  const made = revision('Connection', 'delays-index', 2);
  const connection = made.spec.connection && { ...made.spec.connection, reads: { ...made.spec.connection.reads, topic: input } };
  const spec = { ...made.spec, ...(connection ? { connection } : {}), physical: { group: physical, index: physical, deadLetters: dead, ...names } };
  const { status: _, ...rest } = made;
  return { ...rest, spec, ...(status ? { status } : {}) };
};
const recorded: RevisionStatus = { uuids: { index: 'uuid', deadLettersId: 'dead-id' } };
const mark = { grue: { namespace: 'flights', revision: 'connection-delays-index-2', fingerprint: 'v1:Connection/delays-index/2' } };

interface Holds {
  /** Records in the topic of dead letters; absent: there is no topic. */
  readonly deadLetters?: bigint;
  /** False: the registry does not know that topic. */
  readonly noted?: false;
  readonly index?: Partial<IndexFacts>;
  readonly documents?: number;
  readonly committed?: bigint;
  readonly group?: 'Deleted' | 'Active';
  readonly fails?: string;
}

function world(holds: Holds = {}) {
  const log = recordingLogger();
  const calls: string[] = [];
  const did = async <R>(call: string, result: R): Promise<R> => {
    if (call.startsWith(holds.fails ?? '-')) throw new Error('the connection was cut');
    calls.push(call);
    return result;
  };
  const facts: TopicFacts = { name: dead, id: 'found-id', partitions: 1 };
  const offsets = (which: string): readonly Offset[] => [which === 'Earliest' ? 0n : (holds.deadLetters ?? 0n)];
  const index: IndexFacts = { name: physical, uuid: 'found-uuid', meta: mark, replicas: 0, refreshInterval: undefined, health: 'green', ...holds.index };
  const servers = {
    kafka: {
      topics: async () => new Map(holds.deadLetters === undefined ? [] : [[dead, facts]]),
      offsets: async (topics: readonly string[], which: string) => new Map(topics.map((topic) => [topic, offsets(topic === dead ? which : 'Earliest')])),
      committed: async () => new Map([[input, [holds.committed]]]),
      deleteGroup: (name: string) => did(`group ${name}`, holds.group ?? 'Deleted'),
      deleteTopic: (name: string, id: string) => did(`topic ${name} ${id}`, 'Deleted'),
    },
    search: {
      indices: async () => new Map(holds.index === undefined ? [] : [[physical, index]]),
      refresh: async () => {},
      view: async () => ({ count: async () => holds.documents ?? 0, close: async () => {} }),
      deleteIndex: (name: string, uuid: string) => did(`index ${name} ${uuid}`, 'Deleted'),
    },
    registry: {
      entries: async () => (holds.noted === false ? [] : [{ kind: 'topic', name: dead, revision: 'connection-delays-index-2' }]),
      forget: (kind: string, name: string) => did(`forget ${kind} ${name}`, undefined),
    },
  } as unknown as Servers;
  const audit = () => log.lines.filter(({ fields }) => 'audit' in fields).map(({ fields }) => fields);
  let leads = true;
  const standing = { log, installation: 'grue/one', mayAct: () => leads } as unknown as World;
  return {
    calls,
    audit,
    deposed: () => {
      leads = false;
    },
    remove: (one: Revision) => remove(one, 'it was asked for', servers, standing, signal),
  };
}

describe('what a Revision realised', () => {
  test('is removed by its recorded identities: index, group, topics, and then the notes of them', async () => {
    const { remove: run, calls } = world();
    expect(await run(sink(recorded))).toBeUndefined();
    expect(calls).toEqual([`index ${physical} uuid`, `group ${physical}`, `forget group ${physical}`, `topic ${dead} dead-id`, `forget topic ${dead}`]);
  });
  test('has one line in the audit log for each call: who, what, why, which identity, and what came of it', async () => {
    const { remove: run, audit } = world();
    await run(sink(recorded));
    const about = { who: 'grue-operator of grue/one', why: 'it was asked for', namespace: 'flights', revision: 'connection-delays-index-2', result: 'Deleted' };
    expect(audit()).toEqual([
      { ...about, audit: 'DeleteIndex', object: physical, identity: 'uuid' },
      { ...about, audit: 'DeleteGroup', object: physical, identity: expect.stringContaining('name') },
      { ...about, audit: 'DeleteTopic', object: dead, identity: 'dead-id' },
    ]);
  });
  test('has a line in the audit log also where the call failed, because it may have been carried out', async () => {
    const { remove: run, audit } = world({ fails: 'topic' });
    await expect(run(sink(recorded))).rejects.toThrow('cut');
    expect(audit().at(-1)).toMatchObject({ audit: 'DeleteTopic', result: 'Failed' });
  });
  test('stays while the lease is in doubt', async () => {
    const { remove: run, calls, deposed } = world();
    deposed();
    await expect(run(sink(recorded))).rejects.toThrow('lease is in doubt');
    expect(calls).toEqual([]);
  });
  test('keeps the note of a group that somebody reads with, and is tried again', async () => {
    const { remove: run, calls } = world({ group: 'Active' });
    await expect(run(sink(recorded))).rejects.toThrow('somebody reads with group');
    expect(calls).not.toContain(`forget group ${physical}`);
  });
  test('is not what somebody else has written into the Revision', async () => {
    const { remove: run, calls } = world();
    for (const names of [
      { group: 'payments' },
      { deadLetters: 'orders' },
      { index: 'grue.other.delays-index.2-bbbbbb' },
      { group: 'grue.flights.delays-index.3-bbbbbb' },
    ])
      expect(await run(sink(recorded, names))).toContain('is not a name that was chosen for');
    expect(calls).toEqual([]);
  });
});

describe('what was made by a pass that was killed before it could record any identity', () => {
  test('is removed by the identity that it has now, because it has its random suffix, our mark, and was never used', async () => {
    const { remove: run, calls } = world({ deadLetters: 0n, index: {}, committed: 0n });
    expect(await run(sink({}))).toBeUndefined();
    expect(calls).toEqual(expect.arrayContaining([`index ${physical} found-uuid`, `group ${physical}`, `topic ${dead} found-id`]));
  });
  test('may be nothing at all', async () => {
    expect(await world().remove(sink(undefined))).toBeUndefined();
  });
  test.each<[string, Holds]>([
    ['a topic that holds records', { deadLetters: 3n }],
    ['a topic that we never noted', { deadLetters: 0n, noted: false }],
    ['an index that holds documents', { index: {}, documents: 1 }],
    ['an index without our mark', { index: { meta: undefined } }],
    ['a group that has read', { committed: 5n }],
  ])('is left behind with %s: its status was lost, or somebody else is there', async (_, holds) => {
    const { remove: run, calls } = world(holds);
    expect(await run(sink({}))).toContain('is not recorded');
    expect(calls).toEqual([]);
  });
});

test('the topic of an external stream is nobody of ours, whatever it is called', () => {
  const nameOf = ({ metadata, spec }: Revision) => foreignName(metadata.namespace, spec);
  expect(nameOf(revision('Stream', 'flights', 1))).toBeUndefined();
  expect(nameOf(revision('Stream', 'delays', 1))).toBe('delays-1');
});
