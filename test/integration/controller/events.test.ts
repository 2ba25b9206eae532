import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { eventRecorder, eventType } from '../../../src/controller/events.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import type { KubeClient } from '../../../src/controller/kube/client.ts';
import { runtimeMetrics } from '../../../src/controller/metrics.ts';
import { stack } from '../../stack/for-tests.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { clientFor, freshNamespace, gadget, gadgetType } from './world.ts';

let api: KubeClient;
let namespace: string;

beforeAll(async () => {
  api = clientFor(stack().kubernetes.kubeconfigPath);
  namespace = await freshNamespace(api);
});

afterAll(() => api.close());

test('events are taken by the real server, counted up as a series, and shown by kubectl describe', async () => {
  const object = await api.create(gadgetType, gadget(namespace, 'watched'), { fieldManager: 'grue-test' });
  const logger = recordingLogger();
  const events = eventRecorder({
    api,
    clock: systemClock,
    logger,
    metrics: runtimeMetrics(),
    newId: () => crypto.randomUUID().slice(0, 13),
    fieldManager: 'grue-events',
    reportingController: 'grue.dev/operator',
    reportingInstance: 'pod-1',
    seriesWriteMilliseconds: 200,
  });
  for (let i = 0; i < 5; i++) {
    events.record(object, { type: 'Warning', reason: 'ParityFailed', action: 'Verify', note: `3 documents are missing ${'輪'.repeat(500)}` });
    await systemClock.sleep(100);
  }
  events.record(object, { type: 'Normal', reason: 'Promoted', action: 'Flip', note: 'readers see the new revision' });
  await events.flush(AbortSignal.timeout(5_000));
  expect(logger.lines).toEqual([]);

  const { items } = await api.list<KubeObject & { reason: string; series?: { count: number } }>(eventType, { namespace });
  expect(items.map(({ reason, series }) => [reason, series?.count]).sort()).toEqual([
    ['ParityFailed', 5],
    ['Promoted', undefined],
  ]);
  const { kubectl, kubeconfigPath } = stack().kubernetes;
  const described = execFileSync(kubectl, ['--kubeconfig', kubeconfigPath, '-n', namespace, 'describe', 'gadget', 'watched'], { encoding: 'utf8' });
  expect(described).toMatch(/Warning\s+ParityFailed.*grue\.dev\/operator.*3 documents are missing/);
  expect(described).toMatch(/Normal\s+Promoted.*readers see the new revision/);
});
