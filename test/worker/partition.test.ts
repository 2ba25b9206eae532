import { beforeEach, describe, expect, test } from 'vitest';
import { BadWindow } from '../../src/worker/bad-window.ts';
import { type PartitionEnd, runPartition, TooManyBadRecords } from '../../src/worker/partition.ts';
import type { Batch } from '../../src/worker/ports.ts';
import { Slot } from '../../src/worker/slot.ts';
import { settle, virtualClock } from '../support/virtual-clock.ts';
import { badOf, batchOf, FakeWorld, gate, silentMetrics } from './fakes.ts';

const where = { topic: 'in', partition: 0 };

function start(world: FakeWorld, clock = virtualClock()) {
  const feed = new Slot<Batch>(clock);
  const drain = new AbortController();
  const abandon = new AbortController();
  const end: PartitionEnd = { drain: drain.signal, abandon: abandon.signal };
  const ports = {
    consumer: world.consumer,
    facts: world.readFacts,
    prepare: world.prepare,
    deadLetters: world.deadLetters,
    window: new BadWindow(),
    metrics: silentMetrics,
    clock,
  };
  const running = runPartition(where, feed, ports, end);
  running.catch(() => {});
  return { feed, drain, abandon, running, clock };
}

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
});

describe('where a partition starts', () => {
  test('it reads from the committed offset, sought explicitly', async () => {
    world.facts.set('in/0', { committed: 7, logStart: 0, logEnd: 9 });
    start(world);
    await settle();
    expect(world.events).toEqual(['read in/0 from 7']);
  });

  test.each([
    ['without a committed offset', { committed: undefined, logStart: 0, logEnd: 9 }, 'GRUE-KFK-006'],
    ['when the log begins after the committed offset', { committed: 3, logStart: 4, logEnd: 9 }, 'GRUE-KFK-003'],
    ['when the log ends before the committed offset', { committed: 10, logStart: 0, logEnd: 9 }, 'GRUE-KFK-004'],
  ])('%s nothing is read', async (_, facts, code) => {
    world.facts.set('in/0', facts);
    const { running } = start(world);
    await expect(running).rejects.toMatchObject({ code });
    expect(world.events).toEqual([]);
  });

  test('a committed offset at the end of the log, or at its very beginning, is a good start', async () => {
    world.facts.set('in/0', { committed: 9, logStart: 9, logEnd: 9 });
    start(world);
    await settle();
    expect(world.events).toEqual(['read in/0 from 9']);
  });
});

describe('one batch', () => {
  test('is committed after it is delivered and its bad records are buried, never before', async () => {
    world.onDeliver = async (batch) => ({ written: 1, bad: badOf(batch, 1) });
    const { feed } = start(world);
    await feed.put(batchOf(0, 5));
    await settle();
    expect(world.events).toEqual(['read in/0 from 0', 'prepare 0', 'deliver 0', 'bury 1 of 0', 'commit in/0 5']);
  });

  test('commits the position behind the transaction markers that follow its last record', async () => {
    const { feed } = start(world);
    await feed.put(batchOf(0, 5, { markers: 1 }));
    await settle();
    expect(world.committed.get('in/0')).toBe(6);
  });

  test('that fails to be delivered is not committed, and the failure ends the run', async () => {
    world.onDeliver = () => Promise.reject(new Error('no answer'));
    const { feed, running } = start(world);
    await feed.put(batchOf(0, 5));
    await expect(running).rejects.toThrow('no answer');
    expect(world.committed.size).toBe(0);
  });
});

describe('the next batch', () => {
  test('is prepared while one is being delivered, and delivered only after its commit', async () => {
    const delivery = gate();
    world.onDeliver = async (batch) => {
      if (batch.from === 0) await delivery.passed;
      return { written: 5, bad: [] };
    };
    const { feed } = start(world);
    void feed.put(batchOf(0, 5)).then(() => feed.put(batchOf(5, 5)));
    await settle();
    expect(world.events).toEqual(['read in/0 from 0', 'prepare 0', 'prepare 5']);
    delivery.open();
    await settle();
    expect(world.events.slice(3)).toEqual(['deliver 0', 'commit in/0 5', 'deliver 5', 'commit in/0 10']);
  });

  test('waits outside while one is delivered, one prepared and one at hand: memory is bounded', async () => {
    world.onDeliver = () => new Promise(() => {});
    const { feed } = start(world);
    const taken: number[] = [];
    for (const from of [0, 5, 10]) {
      void feed.put(batchOf(from, 5)).then(() => taken.push(from));
      await settle();
    }
    expect(taken).toEqual([0, 5]);
  });

  test('from another position than the last one ended at is refused before anything is done with it', async () => {
    const { feed, running } = start(world);
    await feed.put(batchOf(3, 5));
    await expect(running).rejects.toThrow('records from 3 on came instead of those from 0 on');
    expect(world.events).toEqual(['read in/0 from 0']);
  });
});

describe('a hole in front of the first record', () => {
  test('is compaction or a marker as long as the log begins before it', async () => {
    const { feed } = start(world);
    await feed.put(batchOf(0, 5, { hole: 10 }));
    await settle();
    expect(world.committed.get('in/0')).toBe(15);
  });

  test('is lost history when the log begins after the position, and nothing of the batch is processed', async () => {
    const { feed, running } = start(world);
    await settle();
    world.facts.set('in/0', { committed: 0, logStart: 8, logEnd: 20 });
    await feed.put(batchOf(0, 5, { hole: 10 }));
    await expect(running).rejects.toMatchObject({ code: 'GRUE-KFK-003' });
    expect(world.events).toEqual(['read in/0 from 0']);
  });
});

describe('idle', () => {
  test('for a second, a position behind markers alone is committed', async () => {
    const { feed, clock } = start(world);
    await settle();
    await feed.put(batchOf(0, 0, { markers: 2 }));
    await settle();
    expect(world.committed.size).toBe(0);
    await clock.advance(1_000);
    expect(world.committed.get('in/0')).toBe(2);
  });

  test('is not needed: markers that keep coming are committed once a second', async () => {
    const { feed, clock } = start(world);
    await settle();
    for (let at = 0; at < 12; at++) {
      await feed.put(batchOf(at, 0, { markers: 1 }));
      await clock.advance(100);
    }
    expect(world.events.filter((event) => event.startsWith('commit'))).toEqual(['commit in/0 11']);
  });

  test('with nothing new nothing is committed', async () => {
    const { clock } = start(world);
    await clock.advance(60_000);
    expect(world.events).toEqual(['read in/0 from 0']);
  });
});

describe('membership', () => {
  test('once it is in doubt nothing is sent and nothing committed', async () => {
    const { feed, running } = start(world);
    await settle();
    world.member = false;
    await feed.put(batchOf(0, 5));
    await expect(running).rejects.toThrow('half the session time-out');
    expect(world.events).toEqual(['read in/0 from 0', 'prepare 0']);
  });

  test('lost during a delivery, the batch is discarded and its requests are aborted', async () => {
    let aborted = false;
    world.onDeliver = (_, signal) =>
      new Promise((__, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason);
        });
      });
    const { feed, abandon, running } = start(world);
    await feed.put(batchOf(0, 5));
    await settle();
    abandon.abort(new Error('lost'));
    await expect(running).rejects.toThrow('lost');
    expect(aborted).toBe(true);
    expect(world.committed.size).toBe(0);
  });

  test('lost between delivery and commit, nothing is committed', async () => {
    const { feed, abandon, running } = start(world);
    world.onDeliver = async () => {
      abandon.abort(new Error('lost'));
      return { written: 5, bad: [] };
    };
    await feed.put(batchOf(0, 5));
    await expect(running).rejects.toThrow('lost');
    expect(world.committed.size).toBe(0);
  });

  test('given up, it does not end before what it had begun to send is over', async () => {
    const sending = gate();
    world.onDeliver = async () => {
      await sending.passed;
      return { written: 5, bad: [] };
    };
    const { feed, abandon, running } = start(world);
    let over = false;
    running.catch(() => {
      over = true;
    });
    await feed.put(batchOf(0, 5));
    await settle();
    abandon.abort(new Error('lost'));
    await settle();
    expect(over).toBe(false);
    sending.open();
    await settle();
    expect(over).toBe(true);
  });
});

describe('a commit', () => {
  test('that is refused while the group rebalances is tried again, without delivering again', async () => {
    let refusals = 2;
    world.onCommit = async () => {
      if (refusals-- > 0) throw new Error('REBALANCE_IN_PROGRESS');
    };
    const { feed, clock } = start(world);
    await feed.put(batchOf(0, 5));
    await clock.advance(1_000);
    expect(world.events).toEqual(['read in/0 from 0', 'prepare 0', 'deliver 0', 'commit in/0 5']);
  });

  test('that is refused for half a minute ends the run', async () => {
    world.onCommit = () => Promise.reject(new Error('ILLEGAL_GENERATION'));
    const { feed, clock, running } = start(world);
    await feed.put(batchOf(0, 5));
    await clock.advance(31_000);
    await expect(running).rejects.toThrow('ILLEGAL_GENERATION');
  });
});

describe('bad records', () => {
  test('above one per cent of a thousand stop the partition: nothing is buried, nothing committed', async () => {
    world.onDeliver = async (batch) => ({ written: 989, bad: badOf(batch, 11) });
    const { feed, running } = start(world);
    await feed.put(batchOf(0, 1_000));
    await expect(running).rejects.toBeInstanceOf(TooManyBadRecords);
    await expect(running).rejects.toThrow('11 of the 1000 records from offset 0 on are bad; the first at offset 0: GRUE-REC-001: no JSON');
    expect(world.events).toEqual(['read in/0 from 0', 'prepare 0', 'deliver 0']);
  });

  test('of one per cent are set aside', async () => {
    world.onDeliver = async (batch) => ({ written: 990, bad: badOf(batch, 10) });
    const { feed } = start(world);
    await feed.put(batchOf(0, 1_000));
    await settle();
    expect(world.committed.get('in/0')).toBe(1_000);
  });
});

describe('draining', () => {
  test('finishes and commits what is being delivered, and drops what is only prepared', async () => {
    const delivery = gate();
    world.onDeliver = async () => {
      await delivery.passed;
      return { written: 5, bad: [] };
    };
    const { feed, drain, running } = start(world);
    void feed.put(batchOf(0, 5)).then(() => feed.put(batchOf(5, 5)));
    await settle();
    drain.abort();
    await settle();
    delivery.open();
    await running;
    expect(world.events.slice(3)).toEqual(['deliver 0', 'commit in/0 5']);
  });
});
