import { setTimeout as sleep } from 'node:timers/promises';
import { type API, apiVersionsV3, type Connection, ConnectionPool, protocolAPIsById } from '@platformatic/kafka';
import { GrueError } from '../../api/errors.ts';
import { type BrokerAddress, brokerAddress, type KafkaSettings, securityOptions } from './connection.ts';
import { isAuthentication, isMisuse, isNetwork, reasonsOf, Transient, Undecodable } from './errors.ts';

const CONNECT_WITHIN_MS = 3_000;
/** A silent broker is given up within this part of the patience, so that another one can still be asked. */
const ANSWER_WITHIN = 0.4;
const UNKNOWN_END = 'the request may have been carried out';
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Where a request goes: to one broker, or to whichever answers. */
export type Destination = BrokerAddress | 'any';

/** One attempt at a question. It ends with the signal of its asker, and sends nothing after that. */
export interface Attempt {
  /** Sends a request that may be repeated. Refusals for single items are in the response; their codes have to be looked at. */
  ask<Arguments extends unknown[], Response>(to: Destination, api: API<Arguments, Response>, ...args: Arguments): Promise<Response>;
  /**
   * Sends a request that has an effect: when no answer comes, it may have happened, and the asker hears so instead of a repetition.
   * @throws GrueError GRUE-PLT-002
   */
  command<Arguments extends unknown[], Response>(to: Destination, api: API<Arguments, Response>, ...args: Arguments): Promise<Response>;
  /** Whether the brokers speak this version of this request. */
  offers(api: Request): boolean;
}

interface Request {
  readonly key: number;
  readonly version: number;
}

/**
 * The connections to one cluster, made when they are needed: one per broker, shared by all who ask. Every version of every request is
 * pinned by the asker, so what goes over the wire does not depend on the broker.
 */
export class Wire {
  readonly #settings: KafkaSettings;
  readonly #patienceMs: number;
  readonly #pool: ConnectionPool;
  /** Where any broker is looked for, the most promising first. */
  #addresses: readonly BrokerAddress[];
  #offered: ReadonlyMap<number, { readonly minVersion: number; readonly maxVersion: number }> | undefined;

  #closed = false;

  /** @param patienceMs how long a question is repeated while the cluster cannot be reached or is about to move something */
  constructor(settings: KafkaSettings, patienceMs: number) {
    this.#settings = settings;
    this.#patienceMs = patienceMs;
    this.#addresses = settings.bootstrapServers.map(brokerAddress);
    const requestTimeout = Math.ceil(patienceMs * ANSWER_WITHIN);
    this.#pool = new ConnectionPool(settings.clientId, { connectTimeout: CONNECT_WITHIN_MS, requestTimeout, ...securityOptions(settings) });
    // the library reports some failures twice, the second time to nobody: an 'error' without a listener would end the process
    this.#pool.on('connecting', ({ connection }) => connection.on('error', () => {}));
  }

  /**
   * Asks until there is an answer, again and again while what stands in the way is {@link Transient}.
   * @throws the signal's reason when it aborts
   * @throws GrueError GRUE-PLT-002 when patience runs out, GRUE-PLT-004 at once when Kafka refuses the credentials
   */
  async persist<T>(signal: AbortSignal, question: (attempt: Attempt) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const end = new AbortController();
    const abort = (): void => end.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const deadline = setTimeout(() => end.abort(this.#unreachable(`no answer within ${this.#patienceMs} ms`)), this.#patienceMs);
    try {
      return await this.#repeat(question, end.signal);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', abort);
      // what a failed question has left running must not go on
      end.abort();
    }
  }

  /** Remembers where the brokers are, so that the cluster is found again when the first addresses are gone. */
  learn(brokers: readonly BrokerAddress[]): void {
    const known = this.#addresses.filter((address) => brokers.some((broker) => isSame(broker, address)));
    const first = this.#settings.bootstrapServers.map(brokerAddress);
    this.#addresses = distinct([...known, ...brokers, ...first]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool.close();
  }

  async #repeat<T>(question: (attempt: Attempt) => Promise<T>, end: AbortSignal): Promise<T> {
    const attempt: Attempt = {
      ask: (to, api, ...args) => this.#send(end, to, true, api, args),
      command: (to, api, ...args) => this.#send(end, to, false, api, args),
      offers: (api) => this.#offers(api),
    };
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await question(attempt);
      } catch (error) {
        if (error instanceof Undecodable) throw this.#notUnderstood(error);
        if (!(error instanceof Transient)) throw error;
        await sleep(pause, undefined, { signal: end }).catch(() => {});
        if (end.aborted) throw end.reason instanceof GrueError ? error.failure : end.reason;
        if (this.#closed) throw error.failure;
      }
    }
  }

  async #send<Arguments extends unknown[], Response>(
    end: AbortSignal,
    to: Destination,
    repeatable: boolean,
    api: API<Arguments, Response>,
    args: Arguments,
  ): Promise<Response> {
    const { connection, address } = await this.#connect(end, to);
    this.#offered ??= await this.#versions(end, connection, address);
    if (!this.#offers(api)) throw this.#tooOld(api);
    end.throwIfAborted();
    const answer = api.async(connection, ...args).catch((error) => {
      if (isItemised<Response>(error)) return error.response;
      throw this.#unanswered(error, address, repeatable);
    });
    return untilAborted(end, answer).catch((error) => {
      if (repeatable || error !== end.reason || !(error instanceof GrueError)) throw error;
      throw this.#unreachable(`no answer within ${this.#patienceMs} ms; ${UNKNOWN_END}`);
    });
  }

  /** Any broker will do: each address is tried once, until one lets us in. */
  async #connect(end: AbortSignal, to: Destination): Promise<{ connection: Connection; address: BrokerAddress }> {
    const reasons: string[] = [];
    for (const address of to === 'any' ? this.#addresses : [to]) {
      end.throwIfAborted();
      try {
        return { connection: await untilAborted(end, this.#pool.get(address)), address };
      } catch (error) {
        if (isAuthentication(error)) throw this.#notLetIn(error);
        if (!isNetwork(error)) throw error;
        this.#avoid(address);
        reasons.push(reasonsOf(error));
      }
    }
    throw new Transient(this.#unreachable([...new Set(reasons)].join('; ')));
  }

  /** Whoever asks next tries another broker first. */
  #avoid(address: BrokerAddress): void {
    const others = this.#addresses.filter((other) => !isSame(other, address));
    if (others.length < this.#addresses.length) this.#addresses = [...others, address];
  }

  async #versions(end: AbortSignal, connection: Connection, address: BrokerAddress) {
    const answer = apiVersionsV3.api.async(connection, 'grue', '0').catch((error) => {
      throw this.#unanswered(error, address, true);
    });
    const { apiKeys } = await untilAborted(end, answer);
    return new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]));
  }

  #unanswered(error: unknown, address: BrokerAddress, repeatable: boolean): Error {
    if (isMisuse(error)) return this.#unreachable(reasonsOf(error));
    if (!isNetwork(error)) return new Undecodable(error);
    this.#avoid(address);
    // it may come back as another version
    this.#offered = undefined;
    if (repeatable) return new Transient(this.#unreachable(reasonsOf(error)));
    return this.#unreachable(`${reasonsOf(error)}; ${UNKNOWN_END}`);
  }

  #offers({ key, version }: Request): boolean {
    const range = this.#offered?.get(key);
    return range !== undefined && range.minVersion <= version && version <= range.maxVersion;
  }

  #tooOld({ key, version }: Request): GrueError {
    const range = this.#offered?.get(key);
    const offered = range === undefined ? 'none' : `${range.minVersion} to ${range.maxVersion}`;
    const message = `${this.#cluster} does not speak version ${version} of ${protocolAPIsById[key]} (it speaks ${offered})`;
    return new GrueError('GRUE-KFK-008', message, { fix: 'Kafka 3.1 or newer is needed' });
  }

  #notUnderstood(error: Undecodable): GrueError {
    return new GrueError('GRUE-KFK-008', `${this.#cluster} answers what we do not understand: ${error.message}`, { cause: error.cause });
  }

  #unreachable(reason: string): GrueError {
    return new GrueError('GRUE-PLT-002', `${this.#cluster} cannot be reached: ${reason}`);
  }

  /** Without the cause: what the library keeps of a login may hold parts of the exchange. */
  #notLetIn(error: unknown): GrueError {
    const user = this.#settings.sasl === undefined ? '' : ` for user ${this.#settings.sasl.username} (${this.#settings.sasl.mechanism})`;
    return new GrueError('GRUE-PLT-004', `${this.#cluster} refuses the login${user}: ${reasonsOf(error)}`);
  }

  get #cluster(): string {
    return `Kafka at ${this.#settings.bootstrapServers.join(', ')}`;
  }
}

/** The library throws a response away, into an error, if any item in it was refused. To us that is an answer. */
function isItemised<Response>(error: unknown): error is { readonly response: Response } {
  return error instanceof Error && 'code' in error && error.code === 'PLT_KFK_RESPONSE' && 'response' in error;
}

const isSame = (a: BrokerAddress, b: BrokerAddress): boolean => a.host === b.host && a.port === b.port;

const distinct = (addresses: readonly BrokerAddress[]): readonly BrokerAddress[] =>
  addresses.filter((address, i) => addresses.findIndex((other) => isSame(other, address)) === i);

/** Waits no longer than the signal says. The work itself cannot be called back; its end is ignored then. */
function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
