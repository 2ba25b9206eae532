import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { kinds } from '../../src/api/kinds.ts';
import { systemClock } from '../../src/controller/clock.ts';
import type { KubeObject, ResourceType } from '../../src/controller/kube/api.ts';
import type { KubeClient } from '../../src/controller/kube/client.ts';
import { loadKubeConfig } from '../../src/controller/kube/config.ts';
import { type Reflector, reflector } from '../../src/controller/kube/reflector.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { runtimeMetrics } from '../../src/controller/metrics.ts';

/** Writes down all that pods of Grue log, all their events, and every state of its resources: pods and namespaces go, and take theirs with them. */
export interface Recorder extends AsyncDisposable {
  /** The states that the pods of a namespace have been seen in, ended ones too. */
  pods(): readonly PodObject[];
}

export interface PodObject extends KubeObject {
  readonly status?: {
    readonly containerStatuses?: readonly { readonly name: string; readonly restartCount: number; readonly state?: Readonly<Record<string, unknown>> }[];
  };
}

const podType: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
const eventType: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };
const ours = 'app.kubernetes.io/name=grue';

/** @param directory where it writes: a directory for each namespace, with a file for each container that ran; events.jsonl and objects.jsonl */
export async function startRecorder(kube: KubeClient, kubeconfig: string, directory: string): Promise<Recorder> {
  mkdirSync(directory, { recursive: true });
  const over = new AbortController();
  const metrics = runtimeMetrics();
  const watch = <T extends KubeObject>(type: ResourceType, labelSelector?: string): Reflector<T> =>
    reflector<T>({ api: kube, type, clock: systemClock, logger: silentLogger, metrics, selection: { labelSelector } });
  const files: WriteStream[] = [];
  const open = (...path: readonly string[]): WriteStream => {
    const file = createWriteStream(join(directory, ...path), { flags: 'a' });
    files.push(file);
    return file;
  };

  const written = (source: Reflector<KubeObject>, file: WriteStream): void =>
    source.subscribe({
      enqueue: (key) => {
        const object = source.cache.get(key);
        if (object) file.write(`${JSON.stringify(object)}\n`);
      },
    });
  const events = watch<KubeObject>(eventType);
  written(events, open('events.jsonl'));
  const objectsFile = open('objects.jsonl');
  const objects = Object.values(kinds).map((type) => watch<KubeObject>(type));
  for (const source of objects) written(source, objectsFile);

  const pods = watch<PodObject>(podType, ours);
  const seen = new Map<string, PodObject>();
  const followed = new Set<string>();
  const follow = followerOf(kubeconfig, over.signal);
  const following: Promise<void>[] = [];
  pods.subscribe({
    enqueue: (key) => {
      const pod = pods.cache.get(key);
      if (!pod) return;
      seen.set(pod.metadata.uid ?? '', pod);
      for (const { name, restartCount, state = {} } of pod.status?.containerStatuses ?? []) {
        const run = `${pod.metadata.uid}/${name}/${restartCount}`;
        if (followed.has(run) || !('running' in state || 'terminated' in state)) continue;
        followed.add(run);
        const namespace = pod.metadata.namespace ?? '';
        mkdirSync(join(directory, namespace), { recursive: true });
        following.push(follow(namespace, pod.metadata.name, name, open(namespace, `${pod.metadata.name}-${restartCount}.log`)));
      }
    },
  });
  const running = [events, pods, ...objects].map((source) => source.run(over.signal));
  await Promise.all([events, pods].map(({ hasSynced }) => hasSynced));
  return {
    pods: () => [...seen.values()],
    async [Symbol.asyncDispose]() {
      over.abort();
      await Promise.all([...running, ...following]);
      for (const file of files) file.end();
      await Promise.all(files.map((file) => finished(file)));
    },
  };
}

/** Follows the log of a container until it ends. */
function followerOf(kubeconfig: string, signal: AbortSignal) {
  const config = loadKubeConfig(kubeconfig);
  const server = config.getCurrentCluster()?.server ?? '';
  return async (namespace: string, pod: string, container: string, file: WriteStream): Promise<void> => {
    const options = {};
    await config.applyToHTTPSOptions(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    const url = `${server}/api/v1/namespaces/${namespace}/pods/${pod}/log?container=${container}&follow=true`;
    const asked = request(url, { ...options, signal }, (answer) => {
      answer.on('data', (chunk: Buffer) => file.write(chunk));
      answer.on('error', () => resolve()).on('close', () => resolve());
    });
    // a pod that is gone before it could be asked has said nothing that anybody could read
    asked.on('error', () => resolve());
    asked.end();
    return promise;
  };
}
