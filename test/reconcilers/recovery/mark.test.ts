import { describe, expect, test } from 'vitest';
import type { Revision } from '../../../src/api/revision.ts';
import { markOf, mostRejections, readMark } from '../../../src/reconcilers/recovery/mark.ts';

const field = { name: 'id', type: 'STRING' };
const platform = { name: 'default', kafkaClusterId: 'kafka', elasticsearchUuid: 'search' };
const common = { number: 1, accepted: 'digest', migration: '', platform };
const of = (name: string, spec: object): Revision =>
  ({
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'Revision',
    metadata: { name, namespace: 'shop' },
    spec: { ...common, fingerprint: `v1:${name}`, ...spec },
  }) as unknown as Revision;
const reads = { stream: 'orders', revision: 'stream-orders-1', topic: 'orders', root: true, epoch: 0, type: 'Append', fields: [field] };

const orders = of('stream-orders-1', {
  ...{ of: { kind: 'Stream', name: 'orders' }, inputs: [] },
  ...{ stream: { type: 'Append', fields: [field], partitions: 2, external: true }, physical: { topic: 'orders' } },
});
const found = of('connection-found-1', {
  ...{ of: { kind: 'Connection', name: 'found' }, inputs: ['stream-orders-1'] },
  connection: { connector: 'elasticsearch', destination: { alias: 'found' }, keepVersions: 1, reads },
  physical: { group: 'grue.shop.found.1-abcdef', deadLetters: 'grue.shop.found.1-abcdef.dead-letters', index: 'grue.shop.found.1-abcdef' },
});
const ids = new Map([['orders', 'topic-1']]);
const mark = markOf([orders, found], ids, 'grue/one');
const edited = (change: (mark: { chain: { name: string; spec: { physical: Record<string, string> } }[] }) => void) => {
  const copy = structuredClone(mark) as never;
  change(copy);
  return readMark({ grue: copy });
};

describe('the mark of an index', () => {
  test('tells who made it and all that feeds it, with the identities of the topics', () => {
    expect(mark).toMatchObject({
      installation: 'grue/one',
      namespace: 'shop',
      revision: 'connection-found-1',
      fingerprint: 'v1:connection-found-1',
      migration: '',
    });
    expect(mark.chain).toEqual([
      { name: 'stream-orders-1', spec: orders.spec, topicId: 'topic-1' },
      { name: 'connection-found-1', spec: found.spec },
    ]);
  });

  test('is read as it was written, also after the way through JSON', () => {
    expect(readMark({ team: 'search', grue: JSON.parse(JSON.stringify(mark)) })).toEqual({ mark });
  });

  test('keeps the identity that was recorded, and not the one that is there now', () => {
    const recorded = { ...orders, status: { uuids: { topicId: 'topic-0' } } } as Revision;
    expect(markOf([recorded, found], ids, 'grue/one').chain?.[0]?.topicId).toBe('topic-0');
  });

  test('leaves the chain out where that would be too large for a cluster state, and nothing else', () => {
    const wide = { ...orders, spec: { ...orders.spec, fingerprint: 'x'.repeat(1_100_000) } };
    const large = markOf([wide, found], ids, 'grue/one');
    expect(large).not.toHaveProperty('chain');
    expect(readMark({ grue: large })).toEqual({ mark: large });
  });

  test('holds so many rejections and no more, the newest', () => {
    const rejected = Array.from({ length: mostRejections + 5 }, (_, n) => ({
      ...{ of: { kind: 'Stream' as const, name: 'orders' }, fingerprint: `v1:${n}`, migration: 'm', reason: 'a gate', time: '2026-01-01T00:00:00Z' },
    }));
    expect(markOf([orders, found], ids, 'grue/one', rejected).rejected?.map(({ fingerprint }) => fingerprint)).toEqual(
      rejected.slice(5).map(({ fingerprint }) => fingerprint),
    );
  });
});

describe('a mark that was edited', () => {
  test('is told from an index without a mark', () => {
    expect(readMark(undefined)).toBeUndefined();
    expect(readMark({ team: 'search' })).toBeUndefined();
    expect(readMark({ grue: 'ours' })).toEqual({ unreadable: 'its mark is damaged at its beginning' });
    expect(readMark({ grue: { ...mark, namespace: undefined } })).toEqual({ unreadable: 'its mark is damaged at namespace' });
  });

  test.each([
    ['group', 'payments'],
    ['index', 'payments'],
    ['deadLetters', 'payments'],
    ['index', 'grue.shop.other.1-abcdef'],
    ['index', 'grue.elsewhere.found.1-abcdef'],
    ['group', 'grue.shop.found.2-abcdef'],
  ])('so that the %s is %s explains nothing', (member, name) => {
    const read = edited(({ chain }) => {
      (chain[1] as { spec: { physical: Record<string, string> } }).spec.physical[member] = name;
    });
    expect(read).toEqual({ unreadable: 'its mark names connection-found-1, which the operator would not have made so' });
  });

  test('so that a stage reads a topic that no stream of the chain is explains nothing', () => {
    const read = edited(({ chain }) => {
      (chain[1] as unknown as { spec: { connection: { reads: { topic: string } } } }).spec.connection.reads.topic = 'payments';
    });
    expect(read).toHaveProperty('unreadable');
  });

  test('so that a Revision has another name explains nothing', () => {
    const read = edited(({ chain }) => {
      (chain[1] as { name: string }).name = 'connection-found-2';
    });
    expect(read).toHaveProperty('unreadable');
  });
});
