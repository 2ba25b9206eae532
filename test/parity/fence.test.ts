import { describe, expect, test } from 'vitest';
import type { FenceRecord } from '../../src/api/stream-migration.ts';
import type { Offsets } from '../../src/drivers/ports.ts';
import { advanceFence, type FenceInput, lagOf, type StageFacts, takeFence } from '../../src/parity/fence.ts';

/** flights (2 partitions) -> blue-pipe -> blue-delays -> blue-sink, and the same for green. Everything is at the end. */
const committed = (...entries: readonly (readonly [string, Offsets])[]): ReadonlyMap<string, Offsets> => new Map(entries);
const side = (colour: string): readonly StageFacts[] => [
  { revision: `${colour}-pipe`, reads: ['flights'], writes: `${colour}-delays`, committed: committed(['flights', [100n, 50n]]) },
  { revision: `${colour}-sink`, reads: [`${colour}-delays`], committed: committed([`${colour}-delays`, [70n]]) },
];
const settled: FenceInput = {
  stages: [...side('blue'), ...side('green')],
  roots: ['flights'],
  sinkInputs: ['blue-delays', 'green-delays'],
  topicIds: new Map([
    ['flights', 'id-flights'],
    ['blue-delays', 'id-blue'],
    ['green-delays', 'id-green'],
  ]),
  highWatermark: new Map<string, Offsets>([
    ['flights', [100n, 50n]],
    ['blue-delays', [70n]],
    ['green-delays', [70n]],
  ]),
  lastStable: new Map<string, Offsets>([['flights', [100n, 50n]]]),
  logStart: new Map<string, Offsets>([
    ['flights', [0n, 0n]],
    ['blue-delays', [0n]],
    ['green-delays', [0n]],
  ]),
};

const withCommitted = (input: FenceInput, revision: string, ...entries: readonly (readonly [string, Offsets])[]): FenceInput => ({
  ...input,
  stages: input.stages.map((stage) => (stage.revision === revision ? { ...stage, committed: committed(...entries) } : stage)),
});
const withOffsets = (input: FenceInput, which: 'highWatermark' | 'lastStable' | 'logStart', topic: string, offsets: Offsets): FenceInput => ({
  ...input,
  [which]: new Map([...input[which], [topic, offsets]]),
});

function taken(input: FenceInput): FenceRecord {
  const fence = takeFence(1, '2026-01-01T00:00:00Z', input);
  if ('inconclusive' in fence) throw new Error(fence.inconclusive);
  return fence;
}
const why = (input: FenceInput): string => {
  const fence = takeFence(1, '2026-01-01T00:00:00Z', input);
  return 'inconclusive' in fence ? fence.inconclusive : 'taken';
};
const at = (fence: FenceRecord): Record<string, string> => Object.fromEntries(fence.offsets.map((entry) => [entry.topic, entry.at]));

describe('a fence is taken', () => {
  test('at the end of the roots, with the low marks of the sink inputs, and comes down to the other topics later', () => {
    expect(taken(settled)).toEqual({
      id: 1,
      time: '2026-01-01T00:00:00Z',
      offsets: [
        { topic: 'blue-delays', topicId: 'id-blue', at: '', low: '70' },
        { topic: 'flights', topicId: 'id-flights', at: '100,50' },
        { topic: 'green-delays', topicId: 'id-green', at: '', low: '70' },
      ],
    });
  });

  test('with both where a sink reads the root itself', () => {
    const direct: FenceInput = { ...settled, stages: [{ revision: 'sink', reads: ['flights'], committed: committed() }], sinkInputs: ['flights'] };
    expect(taken(direct).offsets).toEqual([{ topic: 'flights', topicId: 'id-flights', at: '100,50', low: '100,50' }]);
  });

  const refused: readonly { readonly name: string; readonly input: FenceInput; readonly why: string }[] = [
    {
      name: 'while a transaction is open on a root',
      input: withOffsets(settled, 'lastStable', 'flights', [100n, 40n]),
      why: 'a transaction is open on flights[1] from offset 40',
    },
    { name: 'without the end of a root', input: withOffsets(settled, 'lastStable', 'flights', [100n, undefined]), why: 'the end of flights[1] is unknown' },
    {
      name: 'without the end of a sink input',
      input: withOffsets(settled, 'highWatermark', 'green-delays', [undefined]),
      why: 'the end of green-delays[0] is unknown',
    },
    { name: 'without any partition of a root', input: withOffsets(settled, 'lastStable', 'flights', []), why: 'the end of flights[0] is unknown' },
    { name: 'when a topic is not there', input: { ...settled, topicIds: new Map([['flights', 'id-flights']]) }, why: 'topic blue-delays is not there' },
    { name: 'without a root', input: { ...settled, roots: [] }, why: 'no external stream is read' },
    {
      name: 'when a stage reads what nobody writes',
      input: { ...settled, stages: settled.stages.slice(1) },
      why: 'blue-sink reads blue-delays, which no stage writes and which is no root',
    },
  ];
  test.each(refused)('not $name', ({ input, why: expected }) => {
    expect(why(input)).toBe(expected);
  });
});

describe('a fence goes down', () => {
  test('stage by stage, each end stored before it is used, until all sinks are at it', () => {
    const first = advanceFence(taken(settled), settled);
    expect(at(first.fence)).toEqual({ flights: '100,50', 'blue-delays': '70', 'green-delays': '70' });
    expect(first).toMatchObject({
      changed: true,
      late: [{ revision: 'blue-sink', where: 'the fence has not come down to blue-delays yet' }, { revision: 'green-sink' }],
    });
    const second = advanceFence(first.fence, settled);
    expect(second).toEqual({ fence: first.fence, changed: false, late: [] });
  });

  test('only below stages that have read up to it', () => {
    const behind = withCommitted(settled, 'green-pipe', ['flights', [100n, 49n]]);
    const { fence, late } = advanceFence(taken(settled), behind);
    expect(at(fence)).toEqual({ flights: '100,50', 'blue-delays': '70', 'green-delays': '' });
    expect(late[0]).toEqual({ revision: 'blue-sink', missing: undefined, where: 'the fence has not come down to blue-delays yet' });
    expect(late.find(({ revision }) => revision === 'green-pipe')).toEqual({ revision: 'green-pipe', missing: 1n, where: 'flights[1]' });
  });

  test('and does not move once it is set, however much is written after it', () => {
    const { fence } = advanceFence(taken(settled), settled);
    const grown = withOffsets(withOffsets(settled, 'highWatermark', 'green-delays', [500n]), 'highWatermark', 'flights', [900n, 900n]);
    expect(advanceFence(fence, grown).fence).toBe(fence);
    expect(advanceFence(fence, grown).late).toEqual([]);
  });

  test('below a stream with two writers only when both are done', () => {
    const other: StageFacts = { revision: 'other-pipe', reads: ['flights'], writes: 'green-delays', committed: committed(['flights', [100n, 0n]]) };
    const two = { ...settled, stages: [...settled.stages, other] };
    expect(at(advanceFence(taken(two), two).fence)['green-delays']).toBe('');
  });

  test('to a branch without a sink as well, whose end must be known', () => {
    const branch: StageFacts = { revision: 'copy', reads: ['green-delays'], writes: 'copies', committed: committed(['green-delays', [70n]]) };
    const input: FenceInput = { ...settled, stages: [...settled.stages, branch], topicIds: new Map([...settled.topicIds, ['copies', 'id-copies']]) };
    const first = advanceFence(taken(input), input);
    expect(first.late.map(({ where }) => where)).toContain('the end of copies[0] is unknown');
    const known = withOffsets(input, 'highWatermark', 'copies', [9n]);
    const last = advanceFence(advanceFence(first.fence, known).fence, known);
    expect(at(last.fence)['copies']).toBe('9');
    expect(last.late).toEqual([]);
  });
});

describe('a partition', () => {
  const reached = (input: FenceInput): boolean => {
    let progress = advanceFence(taken(settled), input);
    for (let passes = 0; progress.changed && passes < 10; passes += 1) progress = advanceFence(progress.fence, input);
    return progress.late.length === 0 && progress.broken === undefined;
  };

  test('without a committed offset is behind every fence, however empty it looks', () => {
    const empty = withOffsets(withOffsets(settled, 'lastStable', 'flights', [100n, 0n]), 'highWatermark', 'flights', [100n, 0n]);
    const silent = withCommitted(empty, 'green-pipe', ['flights', [100n, undefined]]);
    const progress = advanceFence(taken(empty), silent);
    expect(progress.late.find(({ revision }) => revision === 'green-pipe')).toEqual({
      revision: 'green-pipe',
      missing: undefined,
      where: 'flights[1] has no committed offset',
    });
    expect(reached(withCommitted(settled, 'green-pipe'))).toBe(false);
  });

  test('whose records up to the fence are no longer in the log is done: nothing can come from there any more', () => {
    const trimmed = withOffsets(withCommitted(settled, 'green-pipe', ['flights', [100n, 10n]]), 'logStart', 'flights', [0n, 50n]);
    expect(reached(trimmed)).toBe(true);
    expect(reached(withOffsets(trimmed, 'logStart', 'flights', [0n, 49n]))).toBe(false);
  });

  test('that has only transaction markers up to the fence is done when a probe has found no record there', () => {
    const markers = withCommitted(settled, 'green-pipe', ['flights', [100n, 48n]]);
    const asked: unknown[] = [];
    const probe = (topic: string, partition: number, from: bigint, to: bigint) => asked.push([topic, partition, from, to]) > 0;
    expect(reached({ ...markers, emptyFrom: probe })).toBe(true);
    expect(asked[0]).toEqual(['flights', 1, 48n, 50n]);
    expect(reached({ ...markers, emptyFrom: () => false })).toBe(false);
    expect(reached(markers)).toBe(false);
  });

  test('that the root gets after the fence belongs to the next one', () => {
    const grown = ['highWatermark', 'lastStable'] as const;
    const input = grown.reduce((sofar, which) => withOffsets(sofar, which, 'flights', [100n, 50n, 7n]), settled);
    expect(reached(input)).toBe(true);
    expect(at(taken(input))['flights']).toBe('100,50,7');
  });
});

describe('a fence is broken', () => {
  test.each([
    ['when a topic was replaced', 'id-other', 'topic flights was replaced: its id is id-other, not id-flights'],
    ['when a topic is gone', undefined, 'topic flights is not there any more'],
  ])('%s', (_, id, broken) => {
    const topicIds = new Map(settled.topicIds);
    if (id === undefined) topicIds.delete('flights');
    else topicIds.set('flights', id);
    expect(advanceFence(taken(settled), { ...settled, topicIds })).toMatchObject({ changed: false, broken });
  });

  test('when a stage has joined that it does not know', () => {
    const joined: FenceInput = { ...settled, roots: ['flights', 'more'], topicIds: new Map([...settled.topicIds, ['more', 'id-more']]) };
    expect(advanceFence(taken(settled), joined).broken).toBe('topic more has joined since the fence was taken');
  });
});

describe('lag', () => {
  const stage = (offsets: Offsets): StageFacts => ({ revision: 'r', reads: ['flights'], committed: committed(['flights', offsets]) });
  const ends = new Map<string, Offsets>([['flights', [100n, 50n]]]);

  test('is what is not yet read, over all partitions', () => {
    expect(lagOf(stage([90n, 50n]), ends, new Map())).toBe(10n);
    expect(lagOf(stage([100n, 51n]), ends, new Map())).toBe(0n);
  });

  test('does not count what the log has lost', () => {
    expect(lagOf(stage([0n, 50n]), ends, new Map([['flights', [95n, 0n]]]))).toBe(5n);
  });

  test('is unknown, and not zero, where a position or an end is missing', () => {
    expect(lagOf(stage([90n, undefined]), ends, new Map())).toBeUndefined();
    expect(lagOf(stage([90n]), ends, new Map())).toBeUndefined();
    expect(lagOf(stage([90n, 50n]), new Map(), new Map())).toBeUndefined();
  });
});
