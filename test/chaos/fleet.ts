import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaseType } from '../../src/controller/lease.ts';
import type { Scene } from '../integration/migration/scene.ts';
import { stack } from '../stack/for-tests.ts';
import { startProcess, stopProcess } from '../support/grue.ts';

/** A place in which a process runs, and is started again when it ends: what a Deployment is to its pods. */
export interface Member {
  readonly name: string;
  readonly command: 'operator' | 'worker';
}

/** A process that ended although nobody had killed it. */
export interface SelfEnded {
  readonly name: string;
  readonly code: number | null;
  /** It stood still shortly before: an operator that has lost its lease meanwhile has to end. */
  readonly wasPaused: boolean;
}

export interface Fleet {
  readonly members: readonly Member[];
  /** Processes that run and are not paused. */
  ready(command: Member['command']): readonly Member[];
  /** The operator that holds the lease, if it is ready. */
  leader(): Promise<Member | undefined>;
  /** Ends it, without a word unless another signal is given, and starts it again after so long. @returns whether there was anything to end */
  kill(member: Member, restartAfterMilliseconds: number, signal?: NodeJS.Signals): Promise<boolean>;
  /** Lets it stand still for so long. */
  pause(member: Member, milliseconds: number): void;
  readonly selfEnded: readonly SelfEnded[];
  /** Resolves when all run and none is paused. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

interface Place extends Member {
  readonly args: readonly string[];
  readonly log: string;
  child: ChildProcess;
  /** By `performance.now()`. */
  pausedUntil: number;
  killed: boolean;
}

const restartMilliseconds = 1_000;
/** An operator that stood still ends within this time after it goes on, when it is to end at all. */
const afterPauseMilliseconds = 30_000;

/** Two operators and two workers, as in production. The operator of the scene is one of them. */
export function startFleet(scene: Scene, say: (line: string) => void): Fleet {
  const { namespace, grue } = scene;
  const shared = ['--kubeconfig', stack().kubernetes.kubeconfigPath, '--namespace', namespace];
  const commands = { operator: [...shared, '--lease-namespace', namespace, '--settle', '500ms'], worker: shared };
  const selfEnded: SelfEnded[] = [];
  const restarts = new Set<NodeJS.Timeout>();
  let stopping = false;

  const place = (name: string, command: Member['command'], running?: ChildProcess): Place => {
    const args = command === 'worker' ? [...commands.worker, '--id', name] : commands.operator;
    const log = join(stack().directory, 'logs', namespace, `${name}.log`);
    const made: Place = { name, command, args, log, child: running ?? startProcess(command, args, log), pausedUntil: Number.NEGATIVE_INFINITY, killed: false };
    keep(made);
    return made;
  };

  /** Starts it again when it has ended by itself. */
  function keep(member: Place): void {
    const { child } = member;
    child.once('exit', (code) => {
      if (member.child !== child || member.killed || stopping) return;
      const wasPaused = performance.now() - member.pausedUntil < afterPauseMilliseconds;
      selfEnded.push({ name: member.name, code, wasPaused });
      say(`${member.name} ended by itself with exit code ${code}${wasPaused ? ', after it had stood still' : ''}`);
      restart(member, restartMilliseconds);
    });
  }

  function restart(member: Place, milliseconds: number): void {
    const timer = setTimeout(() => {
      restarts.delete(timer);
      if (stopping) return;
      member.killed = false;
      member.pausedUntil = Number.NEGATIVE_INFINITY;
      member.child = startProcess(member.command, member.args, member.log);
      keep(member);
    }, milliseconds);
    restarts.add(timer);
  }

  const places: readonly Place[] = [
    place('operator', 'operator', grue.operator), // the name under which the scene has opened its log
    place('operator-2', 'operator'),
    place('worker-1', 'worker'),
    place('worker-2', 'worker'),
  ];
  const runs = ({ child }: Place): boolean => child.exitCode === null && child.signalCode === null;
  const isReady = (member: Place): boolean => runs(member) && performance.now() > member.pausedUntil;
  const placeOf = ({ name }: Member): Place => places.find((one) => one.name === name) as Place;

  return {
    members: places,
    selfEnded,
    ready: (command) => places.filter((one) => one.command === command && isReady(one)),
    async leader() {
      const lease = await grue.kube.get(leaseType, { namespace, name: 'grue-operator' }).catch(() => undefined);
      const holder = (lease?.spec as { readonly holderIdentity?: string } | undefined)?.holderIdentity;
      if (!holder) return undefined;
      return places.find((one) => one.command === 'operator' && isReady(one) && readFileSync(one.log, 'utf8').includes(holder));
    },
    async kill(member, restartAfterMilliseconds, signal = 'SIGKILL') {
      const victim = placeOf(member);
      if (!runs(victim) || victim.killed) return false;
      victim.killed = true;
      const gone = once(victim.child, 'exit');
      victim.child.kill(signal);
      await gone;
      restart(victim, restartAfterMilliseconds);
      return true;
    },
    pause(member, milliseconds) {
      const { child } = placeOf(member);
      placeOf(member).pausedUntil = performance.now() + milliseconds;
      child.kill('SIGSTOP');
      // whoever wakes it must outlive us: a process that stands still does not notice that its starter is gone
      spawn('sh', ['-c', `sleep ${milliseconds / 1_000}; kill -CONT ${child.pid}`], { detached: true, stdio: 'ignore' }).unref();
    },
    async whole() {
      while (!places.every(isReady)) await new Promise((resolve) => setTimeout(resolve, 100));
    },
    async stop() {
      stopping = true;
      for (const timer of restarts) clearTimeout(timer);
      for (const { child } of places) child.kill('SIGCONT');
      await Promise.all(places.map(({ child }) => stopProcess(child)));
    },
  };
}
