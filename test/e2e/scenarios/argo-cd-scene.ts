import { setTimeout as sleep } from 'node:timers/promises';
import { kinds } from '../../../src/api/kinds.ts';
import type { Revision } from '../../../src/api/revision.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import type { ArgoCd } from '../../cluster/argo-cd.ts';
import type { Repository } from '../../cluster/argo-cd-repository.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Context, Workload } from '../scenario.ts';
import { type App, type AppStatus, appOf, type Health } from './argo-cd-apps.ts';

export interface Course {
  readonly argoCd: ArgoCd;
  readonly repository: Repository;
  readonly workload: Workload;
  readonly context: Pick<Context, 'kube' | 'kubectl' | 'namespace' | 'say' | 'signal'>;
}

/** What the steps of the course do and look at. */
export interface Scene {
  readonly topology: App;
  readonly migrations: App;
  commit(message: string, files: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Git is applied, as the last commit says. Where there is nothing to apply, there has never been an operation. */
  isSynced(status: AppStatus): boolean;
  isSyncedAndHealthy(status: AppStatus): boolean;
  /** The one index that readers see. @throws Error when the alias is on another number of them */
  liveIndex(): Promise<string>;
  /** Waits until Argo CD shows this health of a resource. */
  expectHealth(app: App, [kind, name]: readonly [kind: string, name: string], wanted: string, says: RegExp): Promise<void>;
  /** The healths that a migration goes through until it is Healthy. */
  follow(app: App, name: string): Promise<readonly string[]>;
  /** Argo CD looks twice, and neither it nor the operator writes anything. */
  rest(when: string, live: string): Promise<void>;
  /** What is live is where it was; and no mark of Argo CD has spread to what the operator has made. */
  unharmed(when: string, live: string): Promise<void>;
}

/** Two looks of Argo CD, and some air. */
const restMilliseconds = 21_000;

export function sceneOf({ argoCd, repository, workload: { workspace, alias }, context: { kube, namespace, say, signal } }: Course): Scene {
  const topology = appOf(argoCd, `${namespace}-topology`);
  const migrations = appOf(argoCd, `${namespace}-migrations`);
  let head = '';

  const isSynced = ({ sync, operationState }: AppStatus): boolean => sync.status === 'Synced' && sync.revision === head && operationState?.phase !== 'Running';
  async function liveIndex(): Promise<string> {
    const [index, ...more] = Object.keys((await workspace.search(`_alias/${alias}`)) as object);
    if (index === undefined || more.length > 0) throw new Error(`the alias ${alias} is on ${[index, ...more].join(', ')}`);
    return index;
  }
  const unharmed = async (when: string, live: string): Promise<void> => {
    if ((await liveIndex()) !== live) throw new Error(`${when}, and the readers are elsewhere`);
    const revisions = await workspace.revisions();
    if (revisions.length === 0 || !revisions.every(isUnmarked))
      throw new Error(`Argo CD has marked Revisions: ${JSON.stringify(revisions.map(({ metadata }) => metadata))}`);
    say(`${when}: nothing that is live is harmed`);
  };
  /** How often Argo CD has synced, and in which state all our objects are. */
  const written = async (): Promise<string> => {
    const apps = await Promise.all([topology.status(), migrations.status()]);
    const syncs = apps.map(({ history, operationState }) => `${history?.length} ${operationState?.startedAt} ${operationState?.retryCount}`);
    const lists = await Promise.all(Object.values(kinds).map((kind) => kube.list<KubeObject>(kind, { namespace })));
    const objects = lists.flatMap(({ items }) => items.map(({ kind, metadata: { name, resourceVersion } }) => `${kind}/${name} ${resourceVersion}`));
    return [...syncs, ...objects].join('\n');
  };
  return {
    topology,
    migrations,
    async commit(message, files) {
      head = await repository.commit(message, files);
    },
    isSynced,
    isSyncedAndHealthy: (status) => isSynced(status) && status.health.status === 'Healthy',
    liveIndex,
    async expectHealth(app, [kind, name], wanted, says) {
      let health: Health | undefined;
      const isSo = async () => {
        health = await app.health(kind, name);
        return health?.status === wanted && says.test(health.message ?? '') ? true : undefined;
      };
      await eventually(`${kind} ${name} is ${wanted} to Argo CD`, isSo, patienceSeconds, async () => health);
    },
    async follow(app, name) {
      const seen: string[] = [];
      const isOver = async () => {
        const health = await app.health('StreamMigration', name);
        if (health !== undefined && seen.at(-1) !== health.status) seen.push(health.status);
        return seen.length > 1 && health?.status === 'Healthy' ? true : undefined;
      };
      await eventually(`migration ${name} is Healthy to Argo CD`, isOver, patienceSeconds, async () => seen);
      return seen;
    },
    async rest(when, live) {
      let last = '';
      const isQuiet = async () => {
        const now = await written();
        const isSame = now === last;
        last = now;
        if (!isSame) await sleep(restMilliseconds, undefined, { signal });
        return isSame ? true : undefined;
      };
      await eventually('nothing is written any more', isQuiet, patienceSeconds, async () => last);
      await unharmed(`${when}, and nothing fights`, live);
    },
    unharmed,
  };
}

const isUnmarked = ({ metadata: { labels = {}, annotations = {} } }: Revision): boolean =>
  Object.keys({ ...labels, ...annotations }).every((name) => name !== 'app.kubernetes.io/instance' && !name.startsWith('argocd.argoproj.io/'));
