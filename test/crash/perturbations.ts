import type { Clock } from '../../src/controller/clock.ts';
import type { ResourceType, WatchEvent } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { chanceOf, chances } from './chance.ts';
import { calmManners, conflict, type KubeManners, tooMany } from './kube.ts';

/** How the world is worse than it should be, all the time. */
export interface Perturbation {
  readonly says: string;
  readonly manners: (seed: number) => KubeManners;
  /** How many operators run. */
  readonly replicas?: number;
  /** Whether an operator has to hold the lease to act. */
  readonly elected?: boolean;
  /** When workers die, or stand still until their groups have given them up, in milliseconds since the beginning. */
  readonly badTimesOfWorkers?: (seed: number) => readonly { readonly at: number; readonly what: 'dies' | 'stands still' }[];
  /** By how much the wall clock of an operator is wrong, in milliseconds. */
  readonly clockError?: (seed: number, incarnation: number, elapsed: number) => number;
}

const seconds = (count: number): number => count * 1_000;

/** A watch that breaks so often, with its past forgotten, that the reflector has to list again: what was lost comes to light. */
const relistEvery = seconds(8);

async function* breaking(events: AsyncIterable<WatchEvent>, clock: Clock): AsyncGenerator<WatchEvent> {
  const iterator = events[Symbol.asyncIterator]();
  let broken: () => void = () => {};
  const end = new Promise<'broken'>((resolve) => {
    broken = () => resolve('broken');
  });
  const cancel = clock.schedule(relistEvery, broken);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), end]);
      if (next === 'broken') throw new KubeError('Gone', 'too old resource version', { status: 410, reason: 'Expired' });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    cancel();
    void iterator.return?.();
  }
}

/** Hands on each event after a wait of its own; with `ordered`, none overtakes another. */
async function* delayed(events: AsyncIterable<WatchEvent>, clock: Clock, wait: () => number, ordered: boolean): AsyncGenerator<WatchEvent> {
  const arrived: WatchEvent[] = [];
  let wake: () => void = () => {};
  let failure: { readonly error: unknown } | undefined;
  let last = 0;
  const reading = (async () => {
    for await (const event of events) {
      const due = ordered ? Math.max(last, clock.monotonic() + wait()) : clock.monotonic() + wait();
      last = due;
      clock.schedule(due - clock.monotonic(), () => {
        arrived.push(event);
        wake();
      });
    }
  })();
  reading.catch((error: unknown) => {
    failure = { error };
    wake();
  });
  for (;;) {
    for (const event of arrived.splice(0)) yield event;
    if (failure) throw failure.error;
    if (arrived.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}

/** An event comes twice or three times, and then one of those that have been, however old: as in a watch that is opened anew from a while ago. */
async function* repeated(events: AsyncIterable<WatchEvent>, chance: () => number): AsyncGenerator<WatchEvent> {
  const past: WatchEvent[] = [];
  for await (const event of events) {
    for (let times = chance() < 0.4 ? 3 : 1; times > 0; times--) yield event;
    if (event.type !== 'BOOKMARK') past.push(event);
    if (chance() < 0.3) yield past[Math.floor(chance() * past.length)] as WatchEvent;
  }
}

async function* lossy(events: AsyncIterable<WatchEvent>, chance: () => number): AsyncGenerator<WatchEvent> {
  for await (const event of events) if (chance() >= 0.3) yield event;
}

const watching =
  (watch: (events: AsyncIterable<WatchEvent>, clock: Clock, chance: () => number) => AsyncIterable<WatchEvent>) =>
  (seed: number): KubeManners => {
    const chance = chances(seed);
    return { ...calmManners, watch: (events, _type: ResourceType, clock) => watch(events, clock, chance) };
  };

export const perturbations: Readonly<Record<string, Perturbation>> = {
  calm: { says: 'nothing else goes wrong', manners: () => calmManners },
  'lagging-watch': {
    says: 'caches are up to three seconds behind',
    manners: watching((events, clock, chance) => delayed(events, clock, () => chance() * 3_000, true)),
  },
  'lost-events': {
    says: 'three events of ten are lost until the next list',
    manners: watching((events, clock, chance) => breaking(lossy(events, chance), clock)),
  },
  'repeated-events': {
    says: 'events come again and again, however old they are',
    manners: watching((events, clock, chance) => breaking(repeated(events, chance), clock)),
  },
  'reordered-events': {
    says: 'events overtake each other',
    manners: watching((events, clock, chance) =>
      breaking(
        delayed(events, clock, () => chance() * 1_500, false),
        clock,
      ),
    ),
  },
  conflicts: {
    says: 'one write in four meets a conflict',
    manners: (seed) => {
      const chance = chances(seed);
      const writes = new Set(['apply', 'applyStatus', 'mergePatch', 'delete']);
      return { ...calmManners, refuse: (verb, type) => (writes.has(verb) && chance() < 0.25 ? conflict(`${verb} ${type.kind}`) : undefined) };
    },
  },
  throttled: {
    says: 'one call in twelve is answered by 429',
    manners: (seed) => {
      const chance = chances(seed);
      return { ...calmManners, refuse: (verb, type) => (chance() < 0.08 ? tooMany(`${verb} ${type.kind}`) : undefined) };
    },
  },
  'mortal-workers': {
    says: 'workers die and stand still',
    manners: () => calmManners,
    badTimesOfWorkers: (seed) =>
      Array.from({ length: 5 }, (_, index) => ({
        at: seconds(4 * index) + Math.floor(chanceOf(seed, index, 'when') * seconds(4)),
        what: chanceOf(seed, index, 'what') < 0.7 ? 'dies' : 'stands still',
      })),
  },
  'jumping-clocks': {
    says: 'the clocks of two operators, one of which holds the lease, jump to and fro by an hour, while they run and from one to the next',
    manners: () => calmManners,
    replicas: 2,
    elected: true,
    clockError: (seed, incarnation, elapsed) => (Math.floor(chanceOf(seed, incarnation, Math.floor(elapsed / seconds(2))) * 3) - 1) * seconds(3_600),
  },
  'two-leaders': { says: 'two operators act at once, both sure to lead', manners: () => calmManners, replicas: 2 },
  'two-lagging-leaders': {
    says: 'two operators act at once, both sure to lead, and each sees what the other does seconds later',
    manners: watching((events, clock, chance) => delayed(events, clock, () => chance() * 3_000, true)),
    replicas: 2,
  },
  elected: { says: 'two operators, one of which holds the lease', manners: () => calmManners, replicas: 2, elected: true },
};
