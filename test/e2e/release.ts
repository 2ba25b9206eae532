import { join } from 'node:path';
import { root } from '../../scripts/processes.ts';
import type { KubeObject, ResourceType } from '../../src/controller/kube/api.ts';
import type { KubeClient } from '../../src/controller/kube/client.ts';
import { isKubeError } from '../../src/controller/kube/errors.ts';
import { eventually } from '../support/grue.ts';
import type { Programs } from './programs.ts';
import type { Reaper } from './reaper.ts';
import type { Component, Pod, Release, Values } from './scenario.ts';

export interface ReleaseOptions {
  readonly name: string;
  readonly namespace: string;
  /** Laid under what a scenario wants. */
  readonly values: Values;
  readonly programs: Programs;
  readonly kube: KubeClient;
  readonly reaper: Reaper;
}

export const chart: string = join(root, 'charts', 'grue');

const podType: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
const leaseType: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true };
const components = ['operator', 'worker'] as const satisfies readonly Component[];
const patienceSeconds = 120;

interface PodObject extends KubeObject {
  readonly status?: { readonly phase?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export function releaseOf({ name, namespace, values: base, programs: { helm, kubectl }, kube, reaper }: ReleaseOptions): Release {
  let values = base;
  const roll = (command: string, seconds: number) =>
    helm([command, name, chart, '--namespace', namespace, '--wait', '--timeout', `${seconds}s`, '--values', '-'], JSON.stringify(values));

  async function pods(component: Component): Promise<readonly Pod[]> {
    const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=${component}`;
    const { items } = await kube.list<PodObject>(podType, { namespace, labelSelector });
    return items
      .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Failed')
      .map(({ metadata, status }) => ({
        name: metadata.name,
        namespace,
        uid: metadata.uid ?? '',
        ready: status?.conditions?.some(({ type, status: truth }) => type === 'Ready' && truth === 'True') ?? false,
      }));
  }

  const deployment = async (component: Component): Promise<string> => {
    const selector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=${component}`;
    return (await kubectl(['get', 'deployment', '--namespace', namespace, '--selector', selector, '--output', 'name'])).trim();
  };

  return {
    name,
    namespace,
    install(wanted = {}, seconds = patienceSeconds) {
      values = merged(base, wanted);
      return roll('install', seconds);
    },
    upgrade(wanted = {}) {
      values = merged(values, wanted);
      return roll('upgrade', patienceSeconds);
    },
    uninstall: () => helm(['uninstall', name, '--namespace', namespace, '--wait', '--timeout', `${patienceSeconds}s`]),
    pods,
    async leader() {
      const held = await kube.get<KubeObject<{ readonly holderIdentity?: string }>>(leaseType, { namespace, name: 'grue-operator' }).catch((error) => {
        if (isKubeError(error, 'NotFound')) return undefined;
        throw error;
      });
      const holder = held?.spec?.holderIdentity ?? '';
      return (await pods('operator')).find((pod) => holder.startsWith(`${pod.name}-`));
    },
    async kill(pod) {
      await reaper.kill(pod);
      await kubectl(['delete', 'pod', pod.name, '--namespace', namespace, '--grace-period=0', '--force', '--ignore-not-found']);
    },
    async scale(component, replicas) {
      await kubectl(['scale', await deployment(component), '--namespace', namespace, `--replicas=${replicas}`]);
    },
    async ready() {
      for (const component of components) {
        const wanted = await deployment(component);
        await kubectl(['rollout', 'status', wanted, '--namespace', namespace, `--timeout=${patienceSeconds}s`]);
        await eventually(
          `all pods of ${wanted} are ready`,
          async () => ((await pods(component)).every(({ ready }) => ready) ? true : undefined),
          patienceSeconds,
        );
      }
    },
  };
}

/** As Helm lays values over each other: maps key by key, everything else as a whole. */
function merged(under: Values, over: Values): Values {
  const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
  return {
    ...under,
    ...Object.fromEntries(
      Object.entries(over).map(([key, value]) => {
        const below = under[key];
        return [key, isMap(value) && isMap(below) ? merged(below, value) : value];
      }),
    ),
  };
}
