import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../../../src/controller/clock.ts';
import type { KubeApi, KubeObject, ResourceType } from '../../../src/controller/kube/api.ts';
import { type KubeClient, kubeClient } from '../../../src/controller/kube/client.ts';
import { isKubeError } from '../../../src/controller/kube/errors.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';

/** A kind of our own on the real server: with a status, a rule, and conditions as a list keyed by type. */
export const gadgetType: ResourceType = { group: 'runtime.grue.test', version: 'v1', plural: 'gadgets', kind: 'Gadget', namespaced: true };
export type Gadget = KubeObject<{ readonly size?: number }, Record<string, unknown>>;

const crdType: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
const namespaceType: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const manager = { fieldManager: 'grue-test' };

const condition = {
  type: 'object',
  required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  properties: {
    ...Object.fromEntries(['type', 'status', 'reason', 'message'].map((name) => [name, { type: 'string' }])),
    lastTransitionTime: { type: 'string', format: 'date-time' },
    observedGeneration: { type: 'integer', format: 'int64' },
  },
};

const gadgetSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: { size: { type: 'integer' } },
      'x-kubernetes-validations': [{ rule: '!has(self.size) || self.size < 100', message: 'size must be below 100' }],
    },
    status: {
      type: 'object',
      properties: {
        phase: { type: 'string' },
        lag: { type: 'string' },
        conditions: { type: 'array', items: condition, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
      },
    },
  },
};

const gadgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.runtime.grue.test' },
  spec: {
    group: gadgetType.group,
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: gadgetSchema }, subresources: { status: {} } }],
  },
};

/** A client for the kubeconfig in a file. */
export function clientFor(kubeconfigPath: string, timeoutMilliseconds = 10_000): KubeClient {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const { request } = runtimeMetrics();
  return kubeClient({ config, clock: systemClock, metrics: { request }, userAgent: 'grue/test', timeoutMilliseconds });
}

/** A namespace of its own, on a server that knows Gadgets. */
export async function freshNamespace(api: KubeApi): Promise<string> {
  await api.apply(crdType, gadgetDefinition, { ...manager, force: true });
  const name = `runtime-${crypto.randomUUID().slice(0, 8)}`;
  await api.create(namespaceType, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, manager);
  // A definition is served some moments after it was accepted: until then its kind is not found, or its storage not ready.
  for (let attempt = 0; ; attempt++) {
    try {
      await api.list(gadgetType, { namespace: name });
      return name;
    } catch (error) {
      if (!isKubeError(error, 'NotFound', 'TooManyRequests') || attempt > 100) throw error;
      await systemClock.sleep(100);
    }
  }
}

export function gadget(namespace: string, name: string, size = 1): Gadget {
  return { apiVersion: 'runtime.grue.test/v1', kind: 'Gadget', metadata: { namespace, name }, spec: { size } };
}
