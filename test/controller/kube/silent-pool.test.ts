import { KubeConfig } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { type KubeClient, kubeClient } from '../../../src/controller/kube/client.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { fakeApiServer } from '../../support/fake-api-server.ts';
import { startFlakyProxy } from '../../support/flaky-proxy.ts';
import { widget, widgetType } from '../../support/kube-kinds.ts';

const ref = { namespace: 'shop', name: 'a' };
const get = (client: KubeClient) => client.get(widgetType, ref);

test('when all kept connections are silent one call finds out, and the next one has a connection of its own', async () => {
  const server = await fakeApiServer(widgetType);
  server.store.create(widgetType, widget('a'));
  await using proxy = await startFlakyProxy({ host: '127.0.0.1', port: Number(new URL(server.config.getCurrentCluster()?.server ?? '').port) });
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'proxied', server: proxy.url, skipTLSVerify: true }, { name: 'tester' });
  const client = kubeClient({ config, clock: systemClock, metrics: runtimeMetrics(), userAgent: 'grue/test', timeoutMilliseconds: 200 });
  try {
    await Promise.all(Array.from({ length: 5 }, () => get(client)));
    expect(proxy.silence()).toBe(5);
    await expect(get(client)).rejects.toMatchObject({ kind: 'Unavailable' });
    await expect(get(client)).resolves.toMatchObject({ metadata: { name: 'a' } });
  } finally {
    client.close();
    await server.close();
  }
});
