import { beforeEach, describe, expect, test } from 'vitest';
import type { Condition } from '../../src/controller/conditions.ts';
import type { ApplyOptions, KubeApi, KubeObject } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { type StatusWriter, type StatusWriterOptions, statusWriter } from '../../src/controller/status-writer.ts';
import { type Widget, widget, widgetType } from '../support/kube-kinds.ts';

let sent: { object: KubeObject; options: ApplyOptions }[];
let remembered: string[];
let answer: (object: KubeObject) => KubeObject;
/** What the server holds when it is asked after a conflict. */
let fresh: Widget;
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
  const get = async (): Promise<Widget> => fresh;
  return statusWriter({ api: { applyStatus, get } as Pick<KubeApi, 'applyStatus' | 'get'>, type: widgetType, fieldManager: 'grue-status', writes, ...options });
}

const stored = (status?: Record<string, unknown>): Widget => ({ ...widget('a', {}, { uid: 'one', resourceVersion: '5' }), ...(status ? { status } : {}) });

test('one server-side apply of the status per call, under the own field manager, remembered', async () => {
  expect(await writer().write(stored(), { phase: 'Ready', conditions: [ready] }, signal)).toBe('written');
  expect(sent).toEqual([
    {
      object: {
        apiVersion: 'example.dev/v1',
        kind: 'Widget',
        metadata: { name: 'a', namespace: 'shop', resourceVersion: '5' },
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

describe('when the object has changed since', () => {
  const conflictUnless = (version: string): void => {
    answer = (object) => {
      if (object.metadata.resourceVersion !== version) throw new KubeError('Conflict', 'the object has been modified', { status: 409 });
      return { ...object, metadata: { ...object.metadata, resourceVersion: '12' } };
    };
  };
  const now = (status: Record<string, unknown>, metadata: Partial<Widget['metadata']> = {}): Widget => ({
    ...widget('a', {}, { uid: 'one', resourceVersion: '7', ...metadata }),
    status,
  });
  const ownsCondition = (type: string): boolean => type !== 'WorkerRunning';
  const write = (): Promise<string> => writer({ ownsCondition }).write(stored({ phase: 'Pending' }), { phase: 'Ready' }, signal);

  test('in what others own, the status is written on top of that', async () => {
    conflictUnless('7');
    fresh = now({ phase: 'Pending', conditions: [workers] }, { labels: { team: 'a' } });
    expect(await write()).toBe('written');
    expect(sent.map(({ object }) => object.metadata.resourceVersion)).toEqual(['5', '7']);
    expect(remembered).toEqual(['12']);
  });

  const others: [string, () => Widget][] = [
    ['in what we own, as another leader does', () => now({ phase: 'Failed' })],
    ['in its spec', () => now({ phase: 'Pending' }, { generation: 2 })],
    ['into another incarnation of the name', () => now({ phase: 'Pending' }, { uid: 'two' })],
  ];
  test.each(others)('%s, the status is not written', async (_, made) => {
    conflictUnless('7');
    fresh = made();
    await expect(write()).rejects.toMatchObject({ kind: 'Conflict' });
    expect(sent).toHaveLength(1);
    expect(remembered).toEqual([]);
  });

  test('again and again, it is a conflict after the second try', async () => {
    conflictUnless('9');
    fresh = now({ phase: 'Pending' });
    await expect(write()).rejects.toMatchObject({ kind: 'Conflict' });
    expect(sent).toHaveLength(2);
  });
});

test('an object that was deleted in the meantime is gone, and that is no error', async () => {
  answer = () => {
    throw new KubeError('NotFound', 'not found', { status: 404 });
  };
  expect(await writer().write(stored(), { phase: 'Ready' }, signal)).toBe('gone');
});
