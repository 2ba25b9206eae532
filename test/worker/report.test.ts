import { beforeEach, expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { KubeApi, KubeObject } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { Reporter } from '../../src/worker/report.ts';
import { virtualClock } from '../support/virtual-clock.ts';

interface Stored extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[] };
}

let stored: Stored | undefined;
let writes: { readonly object: Stored; readonly fieldManager: string }[];
let refusal: Error | undefined;
beforeEach(() => {
  writes = [];
  refusal = undefined;
  stored = { apiVersion: 'grue.dev/v1alpha1', kind: 'Revision', metadata: { name: 'r', namespace: 'n', uid: 'u', resourceVersion: '5', generation: 1 } };
});

function open() {
  const clock = virtualClock();
  const kube = {
    get: async () => {
      if (!stored) throw new KubeError('NotFound', 'gone');
      return stored;
    },
    applyStatus: async (_: unknown, object: Stored, { fieldManager }: { fieldManager: string }) => {
      if (refusal) throw refusal;
      writes.push({ object, fieldManager });
      stored = { ...stored!, status: object.status ?? {} };
      return stored;
    },
  };
  const reporter = new Reporter({ kube: kube as unknown as KubeApi, type: kinds.Revision, revision: 'n/r', worker: 'worker-a', clock, logger: silentLogger });
  return { reporter, clock };
}

const where = { topic: 'in', partition: 0 };
const lost = new GrueError('GRUE-KFK-003', 'partition 0 of in begins at 9');
const condition = (type: string) => writes.at(-1)?.object.status?.conditions?.find((one) => one.type === type);

test('it writes its four conditions and nothing else, over the version that it read', async () => {
  const { reporter, clock } = open();
  reporter.assigned([where]);
  await clock.advance(0);
  expect(writes).toHaveLength(1);
  expect(writes[0]?.fieldManager).toBe('grue-worker');
  expect(writes[0]?.object.metadata).toEqual({ name: 'r', namespace: 'n', uid: 'u', resourceVersion: '5' });
  expect(writes[0]?.object.status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'WorkerReady True',
    'RecordsAccepted True',
    'HistoryIntact True',
    'OriginIntact True',
  ]);
});

test('what does not change is not written again', async () => {
  const { reporter, clock } = open();
  reporter.assigned([where]);
  await clock.advance(20_000);
  reporter.assigned([where]);
  await clock.advance(20_000);
  expect(writes).toHaveLength(1);
});

test('changes within ten seconds are one write at their end', async () => {
  const { reporter, clock } = open();
  reporter.assigned([where]);
  await clock.advance(0);
  reporter.problem(where, lost);
  reporter.setAside(where, 3);
  await clock.advance(9_000);
  expect(writes).toHaveLength(1);
  await clock.advance(1_000);
  expect(writes).toHaveLength(2);
  expect(condition('HistoryIntact')).toMatchObject({ status: 'False', reason: 'HistoryLost', message: 'in/0: GRUE-KFK-003: partition 0 of in begins at 9' });
});

test('a write that another worker came before is done again, over what that one wrote', async () => {
  const { reporter, clock } = open();
  refusal = new KubeError('Conflict', 'changed');
  reporter.assigned([where]);
  await clock.advance(0);
  refusal = undefined;
  await clock.advance(10_000);
  expect(writes).toHaveLength(1);
});

test('a worker without partitions says nothing about the whole', async () => {
  const { reporter, clock } = open();
  reporter.assigned([]);
  await clock.advance(20_000);
  expect(writes).toEqual([]);
});

test('a stage that cannot run in this worker is told with the name of the worker', async () => {
  const { reporter, clock } = open();
  reporter.failed(new GrueError('GRUE-PLT-002', 'Kafka cannot be reached'));
  await clock.advance(0);
  expect(condition('WorkerReady')).toMatchObject({ status: 'False', reason: 'KafkaUnreachable', message: 'worker-a: GRUE-PLT-002: Kafka cannot be reached' });
});

test('a stage that was stopped is told at once, without waiting for the ten seconds', async () => {
  const { reporter, clock } = open();
  reporter.assigned([where]);
  await clock.advance(0);
  reporter.setAside(where, 1);
  await reporter.stopped();
  expect(condition('WorkerReady')).toMatchObject({ status: 'False', reason: 'Stopped' });
});

test('nothing is said about a Revision that is gone', async () => {
  const { reporter, clock } = open();
  stored = undefined;
  reporter.assigned([where]);
  await clock.advance(20_000);
  expect(writes).toEqual([]);
  expect(clock.pending()).toBe(0);
});

test('when the process ends nothing more is written', async () => {
  const { reporter, clock } = open();
  reporter.assigned([where]);
  await clock.advance(0);
  reporter.setAside(where, 1);
  await reporter.close();
  await clock.advance(20_000);
  expect(writes).toHaveLength(1);
});
