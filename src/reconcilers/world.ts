import type { Connection } from '../api/connection.ts';
import type { Pipeline } from '../api/pipeline.ts';
import type { Platform } from '../api/platform.ts';
import type { Revision } from '../api/revision.ts';
import type { Stream } from '../api/stream.ts';
import type { StreamMigration } from '../api/stream-migration.ts';
import type { Clock } from '../controller/clock.ts';
import type { KubeApi, KubeObject } from '../controller/kube/api.ts';
import type { Cache } from '../controller/kube/cache.ts';
import type { Logger } from '../controller/logger.ts';
import type { SqlEngine } from '../drivers/ports.ts';
import type { Memory } from './memory.ts';
import type { Servers } from './servers.ts';

export interface Caches {
  readonly platforms: Cache<Platform>;
  readonly streams: Cache<Stream>;
  readonly pipelines: Cache<Pipeline>;
  readonly connections: Cache<Connection>;
  readonly revisions: Cache<Revision>;
  readonly migrations: Cache<StreamMigration>;
}

/** What happened, for people: `kubectl describe` shows it. Never blocks and never fails a pass. */
export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** For the log only: an event for each fence would bury those that people look for. */
  readonly quiet?: true;
}

/**
 * Everything outside of the pure core: each effect goes through one of these, so a simulated world can stand in for all of it and
 * an operator can be killed between any two of them.
 */
export interface World {
  readonly clock: Clock;
  readonly log: Logger;
  readonly kube: KubeApi;
  readonly caches: Caches;
  readonly sql: SqlEngine;
  /**
   * Connects to the servers of a Platform, or gives the connection that is there.
   * @throws GrueError GRUE-PLT-002 ... 008
   */
  servers(platform: Platform, signal: AbortSignal): Promise<Servers>;
  /**
   * Takes the servers over from another installation, if they are still those that were recorded. Only a person may decide that.
   * @throws GrueError as `servers`, and GRUE-PLT-007
   */
  takeOver(platform: Platform, recorded: RecordedServers, signal: AbortSignal): Promise<Servers>;
  /** Writes the status if it differs from the stored one, under the field manager of this controller. */
  writeStatus<T extends KubeObject>(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<void>;
  tell(about: KubeObject, happening: Happening): void;
  /** Whether this process still holds the lease with certainty. Asked right before every effect that cannot be taken back. */
  mayAct(): boolean;
  /** Names this installation in markers: the chart's value and the uid of kube-system. */
  readonly installation: string;
  /** How long named resources must be unchanged before a plan is made. */
  readonly settleMilliseconds: number;
  /** How long a deletion that the servers do not let happen holds its object. */
  readonly letGoMilliseconds: number;
  /** What is worth remembering between passes, but harmless to lose. */
  readonly memory: Memory;
}

/** Identities of servers, where they have been seen before. */
export interface RecordedServers {
  readonly kafkaClusterId: string | undefined;
  readonly elasticsearchUuid: string | undefined;
}

export const fieldManager = 'grue-operator';

/** What a pass asks of the queue. */
export interface Requeue {
  readonly requeueAfterMilliseconds?: number;
}
