import { beforeEach, expect, test } from 'vitest';
import type { Condition } from '../../src/controller/conditions.ts';
import type { ApplyOptions, KubeApi, KubeObject } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { type StatusWriter, type StatusWriterOptions, statusWriter } from '../../src/controller/status-writer.ts';
import { type Widget, widget, widgetType } from '../support/kube-kinds.ts';

let sent: { object: KubeObject; options: ApplyOptions }[];
let remembered: string[];
let answer: (object: KubeObject) => KubeObject;
const signal = new AbortController().signal;
const ready: Condition = { type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
const workers: Condition = { ...ready, type: 'WorkerRunning' };

beforeEach(() => {
  sent = [];
  remembered = [];
  answer = (object) => ({ ...object, metadata: { ...object.metadata, resourceVersion: '12' } });
});

function writer(options: Partial<StatusWriterOptions> = {}): StatusWriter {
  const applyStatus = async (_: unknown, object: KubeObject, applied: ApplyOptions): Promise<KubeObject> => {
    sent.push({ object, options: applied });
    return answer(object);
  };
  const writes = { remember: (object: KubeObject) => void remembered.push(object.metadata.resourceVersion ?? ''), cacheIsCurrent: () => true };
  return statusWriter({ api: { applyStatus } as Pick<KubeApi, 'applyStatus'>, type: widgetType, fieldManager: 'grue-status', writes, ...options });
}

const stored = (status?: Record<string, unknown>): Widget => ({ ...widget('a', {}, { uid: 'one', resourceVersion: '5' }), ...(status ? { status } : {}) });

test('one server-side apply of the status per call, under the own field manager, remembered', async () => {
  expect(await writer().write(stored(), { phase: 'Ready', conditions: [ready] }, signal)).toBe('written');
  expect(sent).toEqual([
    {
      object: {
        apiVersion: 'example.dev/v1',
        kind: 'Widget',
        metadata: { name: 'a', namespace: 'shop', uid: 'one' },
        status: { phase: 'Ready', conditions: [ready] },
      },
      options: { fieldManager: 'grue-status', force: true, signal },
    },
  ]);
  expect(remembered).toEqual(['12']);
});

test('a status equal to what is stored is not written; key order and absent members do not count', async () => {
  const status = { phase: 'Ready', lag: undefined, conditions: [ready] };
  expect(await writer().write(stored({ conditions: [{ ...ready }], phase: 'Ready' }), status, signal)).toBe('unchanged');
  expect(await writer().write(stored(), {}, signal)).toBe('unchanged');
  expect(sent).toEqual([]);
});

test('a member that is no longer wanted is a difference', async () => {
  expect(await writer().write(stored({ phase: 'Ready', lag: '12' }), { phase: 'Ready' }, signal)).toBe('written');
});

test('conditions of types that others own are neither sent nor compared', async () => {
  const ownsCondition = (type: string): boolean => type !== 'WorkerRunning';
  const conditions = [workers, ready];
  expect(await writer({ ownsCondition }).write(stored({ conditions }), { conditions: [ready] }, signal)).toBe('unchanged');
  expect(await writer({ ownsCondition }).write(stored({ conditions: [workers] }), {}, signal)).toBe('unchanged');
  await writer({ ownsCondition }).write(stored({ conditions }), { conditions: [workers, { ...ready, status: 'False' }] }, signal);
  expect(sent.map(({ object }) => object.status)).toEqual([{ conditions: [{ ...ready, status: 'False' }] }]);
});

test('a status is never written onto another incarnation of the name: the uid is sent along, and its conflict is thrown', async () => {
  answer = () => {
    throw new KubeError('Conflict', 'uid mismatch', { status: 409 });
  };
  await expect(writer().write(stored(), { phase: 'Ready' }, signal)).rejects.toThrow('uid mismatch');
  expect(remembered).toEqual([]);
});

test('an object that was deleted in the meantime is gone, and that is no error', async () => {
  answer = () => {
    throw new KubeError('NotFound', 'not found', { status: 404 });
  };
  expect(await writer().write(stored(), { phase: 'Ready' }, signal)).toBe('gone');
});
