import { GrueError } from '../../src/api/errors.ts';
import type { Clock } from '../../src/controller/clock.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import type { KafkaCluster, KafkaRegistry, SearchCluster } from '../../src/drivers/ports.ts';
import { chanceOf } from './chance.ts';
import type { Fate } from './fates.ts';
import type { Process } from './process.ts';

export type PortName = 'kube' | 'kafka' | 'registry' | 'search';

/** One mutating call, as it stands in the log. */
export interface Effect {
  readonly n: number;
  readonly at: number;
  readonly process: string;
  readonly port: PortName;
  readonly verb: string;
  readonly about: string;
  /** What went wrong there, if anything was made to. */
  fate?: Fate['mode'];
  /** What came of it. */
  result?: string;
}

export interface Call<T> {
  readonly port: PortName;
  readonly verb: string;
  readonly about: string;
  readonly run: () => Promise<T>;
  /** What the caller gets when nobody answers: an error, or what the driver makes of it. */
  readonly unanswered: (mode: Fate['mode']) => { readonly throws: unknown } | { readonly returns: T };
}

export interface ChokePoint {
  readonly effects: readonly Effect[];
  /** One does the same again and again: from then on nothing happens any more. */
  readonly runsAway: boolean;
  /** Called by a server between the look and the command of a call. */
  onTheWay(): Promise<void>;
  /** Late effects that have not taken place yet. */
  pending(): number;
  perform<T>(process: Process, call: Call<T>): Promise<T>;
  /** A process was started again: from here the second fate counts. */
  restarted(): void;
  /** Ends a worker, which is started again. */
  killWorker: () => void;
  /** Called after each effect, when the world has changed. */
  onEffect: () => void;
  /** Called when something takes place long after its sender has given up. */
  onLate: (effect: Effect) => void;
}

/** How long a caller waits for an answer that does not come. */
const patience = 3_000;
/** How long a request may be on its way after its sender has given up or died. */
const longestOnItsWay = 12_000;

/** More effects than any scenario has. In a world in which calls take no time a circle of them would not end. */
const most = 2_000;

/** A call of a process: it may find it dead before and after. */
export async function during<T>(process: Process, run: () => Promise<T>): Promise<T> {
  await process.goOn();
  try {
    return await run();
  } finally {
    await process.goOn();
  }
}

/** The one place through which every effect of every process goes, numbered. */
export function chokePoint(clock: Clock, fates: readonly Fate[], seed: number): ChokePoint {
  const effects: Effect[] = [];
  const open = [...fates];
  let counted = 0;
  let pending = 0;
  let gap = 0;

  /** After a first fate that kills, the next one counts from the restart; otherwise from the first. */
  const fateOf = (): Fate['mode'] | undefined => {
    counted += 1;
    if (open[0]?.at !== counted) return undefined;
    counted = 0;
    return open.shift()?.mode;
  };

  /** Nobody waits for the answer any more. */
  function forsaken(effect: Effect, running: Promise<unknown>): void {
    void running
      .then(
        (value) => (value === 'Exists' ? 'came later, and it was there' : 'done later'),
        (error: unknown) => `refused later: ${lineOf(error)}`,
      )
      .then((result) => {
        effect.result = result;
        pending -= 1;
        if (result === 'done later') choke.onLate(effect);
        choke.onEffect();
      });
  }

  function later(effect: Effect, run: () => Promise<unknown>, after: number): void {
    pending += 1;
    clock.schedule(after, () => forsaken(effect, run()));
  }

  /** The look takes place now, and the command later. */
  function lookNow(effect: Effect, run: () => Promise<unknown>, commandAfter: number): void {
    pending += 1;
    gap = commandAfter;
    forsaken(effect, run());
    gap = 0;
  }

  async function carryOut<T>(effect: Effect, run: () => Promise<T>): Promise<T> {
    try {
      const value = await run();
      effect.result = typeof value === 'string' ? value : 'done';
      return value;
    } catch (error) {
      effect.result = `refused: ${lineOf(error)}`;
      throw error;
    } finally {
      choke.onEffect();
    }
  }

  const choke: ChokePoint = {
    effects,
    get runsAway() {
      return effects.length >= most;
    },
    pending: () => pending,
    onTheWay: () => (gap > 0 ? clock.sleep(gap) : Promise.resolve()),
    killWorker: () => {},
    onEffect: () => {},
    onLate: () => {},
    restarted() {
      if (open.length < fates.length) counted = 0;
    },
    async perform(process, { port, verb, about, run, unanswered }) {
      await process.goOn();
      if (effects.length >= most) return new Promise(() => {});
      const effect: Effect = { n: effects.length + 1, at: clock.monotonic(), process: process.name, port, verb, about };
      effects.push(effect);
      const fate = fateOf();
      if (fate !== undefined) effect.fate = fate;
      const onItsWay = 500 + Math.floor(chanceOf(seed, effect.n, 'late') * longestOnItsWay);
      switch (fate) {
        case undefined: {
          const value = await carryOut(effect, run);
          await process.goOn();
          return value;
        }
        case 'worker-killed': {
          choke.killWorker();
          const value = await carryOut(effect, run);
          await process.goOn();
          return value;
        }
        case 'paused-before': {
          process.pause(40_000);
          await process.goOn();
          return carryOut(effect, run);
        }
        case 'kill-before':
          process.kill();
          break;
        case 'kill-after':
          await carryOut(effect, run).catch(() => {});
          process.kill();
          break;
        case 'killed-done-later':
          later(effect, run, onItsWay);
          process.kill();
          break;
        case 'killed-between':
          lookNow(effect, run, onItsWay);
          process.kill();
          break;
        case 'timed-out-between':
          lookNow(effect, run, patience + onItsWay);
          await process.clock.sleep(patience);
          break;
        case 'done-but-timed-out':
          await carryOut(effect, run);
          await process.clock.sleep(patience);
          break;
        case 'timed-out-done-later':
          later(effect, run, patience + onItsWay);
          await process.clock.sleep(patience);
          break;
      }
      await process.goOn();
      const answer = unanswered(fate);
      if ('throws' in answer) throw answer.throws;
      return answer.returns;
    },
  };
  return choke;
}

const lineOf = (error: unknown): string => (error instanceof GrueError ? error.line : String((error as Error)?.message ?? error));

export const kubeUnanswered = (what: string) => ({ throws: new KubeError('Unavailable', `${what}: no answer in time`, { reason: 'NoAnswer' }) });
const kafkaUnanswered = { throws: new GrueError('GRUE-PLT-002', 'Kafka did not answer in time') };
const searchUnanswered = { throws: new GrueError('GRUE-PLT-003', 'Elasticsearch did not answer in time') };

/** Calls that a server makes of a look and a command. */
const twofold = new Set(['search bindAlias', 'search flip', 'search deleteIndex', 'search remark', 'kafka commitStart']);
export const isTwofold = ({ port, verb }: Effect): boolean => twofold.has(`${port} ${verb}`);

/** Which calls change something. A method that joins a port has to be named here: otherwise this does not compile. */
const kafkaVerbs = {
  clusterId: 'reads',
  topics: 'reads',
  topicConfig: 'reads',
  createTopic: 'changes',
  deleteTopic: 'changes',
  offsets: 'reads',
  committed: 'reads',
  group: 'reads',
  commitStart: 'changes',
  deleteGroup: 'changes',
  namesUnder: 'reads',
  read: 'streams',
  close: 'reads',
} as const satisfies Verbs<KafkaCluster>;

const registryVerbs = {
  record: 'changes',
  forget: 'changes',
  entries: 'reads',
  claim: 'changes',
  release: 'changes',
  takeOver: 'changes',
} as const satisfies Verbs<KafkaRegistry>;

const searchVerbs = {
  clusterUuid: 'reads',
  indices: 'reads',
  marked: 'reads',
  remark: 'changes',
  aliases: 'reads',
  isConcrete: 'reads',
  createIndex: 'changes',
  bindAlias: 'changes',
  refresh: 'reads',
  view: 'reads',
  flip: 'changes',
  searchActivity: 'reads',
  deleteIndex: 'changes',
  claim: 'changes',
  release: 'changes',
  takeOver: 'changes',
  close: 'reads',
} as const satisfies Verbs<SearchCluster>;

type Verbs<Port> = { readonly [Verb in keyof Port]: 'reads' | 'changes' | 'streams' };
type AnyCall = (...args: never[]) => unknown;

/** The port as one process has it: every call may find it dead, and those that change something go through the choke point. */
function guarded<Port extends object>(
  name: PortName,
  port: Port,
  verbs: Verbs<Port>,
  process: Process,
  choke: ChokePoint,
  unanswered: (verb: string, mode: Fate['mode']) => ReturnType<Call<unknown>['unanswered']>,
): Port {
  const entries = Object.entries(verbs).map(([verb, does]) => {
    const method = ((port as Record<string, AnyCall>)[verb] as AnyCall).bind(port) as (...args: readonly unknown[]) => Promise<unknown>;
    const reads = (...args: readonly unknown[]): Promise<unknown> => during(process, () => method(...args));
    const changes = (...args: readonly unknown[]): Promise<unknown> =>
      choke.perform(process, { port: name, verb, about: aboutOf(args), run: () => method(...args), unanswered: (mode) => unanswered(verb, mode) });
    const streams = async function* (...args: readonly unknown[]): AsyncGenerator<unknown> {
      await process.goOn();
      for await (const item of (method as unknown as (...all: readonly unknown[]) => AsyncIterable<unknown>)(...args)) {
        await process.goOn();
        yield item;
      }
    };
    return [verb, { reads, changes, streams }[does as 'reads' | 'changes' | 'streams']];
  });
  return Object.fromEntries(entries) as Port;
}

/** The name of what a call is about: the first argument, or the name within it. */
function aboutOf(args: readonly unknown[]): string {
  const words = args.flatMap((arg): readonly string[] => {
    if (typeof arg === 'string') return [arg];
    if (Array.isArray(arg)) return arg.map(({ alias, to }: { alias: string; to: { index: string } }) => `${alias} to ${to.index}`);
    const { name } = (arg ?? {}) as { readonly name?: unknown };
    return typeof name === 'string' ? [name] : [];
  });
  return words.slice(0, 2).join(' ');
}

export const guardedKafka = (port: KafkaCluster, process: Process, choke: ChokePoint): KafkaCluster =>
  guarded('kafka', port, kafkaVerbs, process, choke, () => kafkaUnanswered);

export const guardedRegistry = (port: KafkaRegistry, process: Process, choke: ChokePoint): KafkaRegistry =>
  guarded('registry', port, registryVerbs, process, choke, () => kafkaUnanswered);

export const guardedSearch = (port: SearchCluster, process: Process, choke: ChokePoint): SearchCluster =>
  guarded('search', port, searchVerbs, process, choke, (verb, mode) =>
    // The driver looks again after a call that was not answered, and tells what it sees.
    verb === 'flip' && mode.startsWith('timed-out-') ? { returns: { moved: false, reason: 'no answer in time', mayStillMove: true } } : searchUnanswered,
  );
