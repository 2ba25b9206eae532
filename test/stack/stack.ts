import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { processStart } from '../../scripts/lock.js';
import type { Progress } from './commands.ts';
import { askKeeper } from './control.ts';
import { StackError } from './errors.ts';
import { isUp, readKept, stopKept } from './kept.ts';
import { writeUser } from './kubernetes/cluster.ts';
import { noted, TEMPORARY } from './leftovers.ts';
import { letOutlive, startKeeper } from './owner.ts';
import { stackDirectory } from './paths.ts';
import { LOOPBACK } from './ports.ts';
import { type ElasticsearchState, type KafkaState, type KubernetesState, PARTS, type Part, type StackState } from './protocol.ts';
import { logFile } from './server.ts';

export interface StackOptions {
  /** A stack of this name can be found from other processes; without one it gets a random name. */
  readonly name?: string;
  /** The parts to start; all without. */
  readonly only?: readonly Part[];
  /** A kubeconfig of an existing cluster, used instead of an API server of our own. */
  readonly useCluster?: string | undefined;
  /** The address of Kafka and Elasticsearch instead of loopback, for clients in the pods of a cluster. */
  readonly listen?: string | undefined;
  /** Processors per server, e.g. `{elasticsearch: [0]}`. */
  readonly pin?: Readonly<Record<string, readonly number[]>> | undefined;
  readonly progress?: Progress;
}

export interface Kubernetes extends KubernetesState {
  /**
   * Makes a user with these groups and no rights but those that RBAC gives to them.
   * @returns the path of the user's kubeconfig
   */
  makeUser(name: string, groups?: readonly string[]): Promise<string>;
}

/** Real servers on loopback. */
export interface Stack extends AsyncDisposable {
  readonly name: string;
  readonly directory: string;
  readonly kubernetes: Kubernetes;
  readonly kafka: KafkaState;
  readonly elasticsearch: ElasticsearchState;
  /** Environment variables through which another process finds this stack with `attach`, and its servers without. */
  readonly env: Readonly<Record<string, string>>;
  /** The servers that run now, with their process ids. */
  servers(): readonly { readonly name: string; readonly pid: number }[];
  /** The log file of a server: kafka, elasticsearch, etcd, kube-apiserver, kube-controller-manager. */
  log(server: string): string;
  /** Ends a server as its administrator would (SIGTERM) and starts it again on the same port and data. */
  restart(server: string): Promise<void>;
  /** Ends a server; `startServer` brings it back. */
  kill(server: string, signal?: NodeJS.Signals): Promise<void>;
  startServer(server: string): Promise<void>;
  /** Freezes a server, as a long garbage collection or a lost network would: connections stay open, nothing answers. */
  pause(server: string): Promise<void>;
  resume(server: string): Promise<void>;
  /** Ends all servers and forgets their data. */
  stop(): Promise<void>;
}

/**
 * Brings up a stack that lives as long as this process: it ends when the process ends, in whatever way.
 * @throws StackError when something that it needs is missing or a server does not start; nothing is left running then
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  return (await start(options)).stack;
}

/** Brings up a stack that stays until somebody ends it, also after this process. */
export async function startLastingStack(options: StackOptions & { readonly name: string }): Promise<Stack> {
  const { keeper, stack } = await start(options);
  letOutlive(keeper);
  return stack;
}

/** The stack that the environment names (GRUE_STACK_DIR, as `npm run stack -- env` prints it). */
export function attach(env: Readonly<Record<string, string | undefined>> = process.env): Stack {
  const directory = env['GRUE_STACK_DIR'];
  if (directory === undefined) {
    throw new StackError(
      'STACK-STATE',
      'GRUE_STACK_DIR is not set',
      'start a stack with `npm run stack -- up` and take its variables: eval "$(npm run --silent stack -- env)"',
    );
  }
  const state = readState(directory);
  if (!isUp(directory))
    throw new StackError(
      'STACK-STATE',
      `the keeper of the stack in ${directory} is gone`,
      `end what it left with \`npm run stack -- down --name ${state.name}\``,
    );
  return stackOf(state);
}

/** The stack of this name if it is up. */
export function findStack(name: string): Stack | undefined {
  const directory = stackDirectory(name);
  return isUp(directory) ? stackOf(readState(directory)) : undefined;
}

/** Ends the stack of this name, also one whose keeper has been killed. */
export async function stopStack(name: string): Promise<void> {
  await stopKept(stackDirectory(name));
}

async function start(options: StackOptions): Promise<{ readonly keeper: ChildProcess; readonly stack: Stack }> {
  const name = options.name ?? `${TEMPORARY}${process.pid}-${randomBytes(3).toString('hex')}`;
  const directory = stackDirectory(name);
  const { only = PARTS, useCluster, listen = LOOPBACK, pin, progress = () => {} } = options;
  const main = join(import.meta.dirname, 'keeper-main.ts');
  const keeper = await startKeeper(main, { name, directory, only, useCluster, listen, pin }, progress);
  return { keeper, stack: stackOf(readState(directory)) };
}

function readState(directory: string): StackState {
  const state = readKept<StackState>(directory);
  if (state === undefined) throw new StackError('STACK-STATE', `there is no stack in ${directory}`, 'start one with `npm run stack -- up`');
  return state;
}

function stackOf(state: StackState): Stack {
  const ask = (verb: 'start' | 'restart' | 'pause' | 'resume') => (server: string) => askKeeper(state.controlSocket, { verb, server });
  const stop = () => stopKept(state.directory);
  return {
    name: state.name,
    directory: state.directory,
    get kubernetes() {
      return kubernetesOf(having(state, 'kubernetes'));
    },
    get kafka() {
      return having(state, 'kafka');
    },
    get elasticsearch() {
      return having(state, 'elasticsearch');
    },
    env: environment(state),
    servers: () => noted(state.directory).filter(({ pid, start }) => processStart(pid) === start),
    log: (server) => logFile(state.directory, server),
    restart: ask('restart'),
    kill: (server, signal = 'SIGKILL') => askKeeper(state.controlSocket, { verb: 'kill', server, signal }),
    startServer: ask('start'),
    pause: ask('pause'),
    resume: ask('resume'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function having<P extends Part>(state: StackState, part: P): NonNullable<StackState[P]> {
  const facts = state[part];
  if (facts === undefined) throw new StackError('STACK-STATE', `the stack "${state.name}" was started without ${part}`);
  return facts;
}

function kubernetesOf(state: KubernetesState): Kubernetes {
  return {
    ...state,
    makeUser: async (name, groups = []) => {
      if (state.authority === undefined)
        throw new StackError('STACK-STATE', 'users can be made only in a cluster of our own, not in one that was there already');
      return writeUser(state.authority, state.server, name, groups);
    },
  };
}

function environment({ directory, kubernetes, kafka, elasticsearch }: StackState): Record<string, string> {
  return {
    GRUE_STACK_DIR: directory,
    ...(kubernetes && {
      GRUE_STACK_KUBECONFIG: kubernetes.kubeconfigPath,
      GRUE_STACK_KUBECTL: kubernetes.kubectl,
      KUBECONFIG: kubernetes.kubeconfigPath,
    }),
    ...(kafka && {
      GRUE_STACK_KAFKA: kafka.bootstrapServers,
      GRUE_STACK_KAFKA_SASL: kafka.saslBootstrapServers,
      GRUE_STACK_KAFKA_USER: kafka.user,
      GRUE_STACK_KAFKA_PASSWORD: kafka.password,
    }),
    ...(elasticsearch && { GRUE_STACK_ELASTICSEARCH: elasticsearch.url }),
  };
}
