import { beforeEach, expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { KubeApi } from '../../src/controller/kube/api.ts';
import { KubeError } from '../../src/controller/kube/errors.ts';
import { silentLogger } from '../../src/controller/logger.ts';
import { Platforms } from '../../src/worker/platforms.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const signal = new AbortController().signal;
const revision = { metadata: { namespace: 'flights', name: 'sink-1' }, spec: { platform: { name: 'default' } } } as Revision;

let password: string;
let missing: string | undefined;
let reads: number;
beforeEach(() => {
  password = 'first';
  missing = undefined;
  reads = 0;
});

const kube = {
  get: async ({ kind }: { kind: string }) => {
    reads += 1;
    if (kind === missing) throw new KubeError('NotFound', `no ${kind}`);
    if (kind === 'Secret') return { data: { username: btoa('grue'), password: btoa(password) } };
    const authentication = { mechanism: 'plain', secretRef: { name: 'login' } };
    const spec = { prefix: 'grue', kafka: { bootstrapServers: ['kafka:9092'], authentication }, elasticsearch: { url: 'http://search:9200' } };
    return { metadata: { name: 'default', namespace: 'flights' }, spec };
  },
} as unknown as Pick<KubeApi, 'get'>;

function open() {
  const clock = virtualClock();
  return { clock, platforms: new Platforms({ kube, clientId: 'w', clock, logger: silentLogger }) };
}

test('a password that is rotated is found within a minute, and what was opened with the old one is outdated', async () => {
  const { clock, platforms } = open();
  const before = await platforms.settingsOf(revision, signal);
  const stop = new AbortController();
  const watching = platforms.watch(stop.signal);
  await clock.advance(120_000);
  expect(before.outdated.aborted).toBe(false);
  password = 'second';
  await clock.advance(60_000);
  expect(before.outdated.aborted).toBe(true);
  const after = await platforms.settingsOf(revision, signal);
  expect(after.settings.kafka.sasl?.password).toBe('second');
  expect(after.outdated.aborted).toBe(false);
  stop.abort();
  await watching;
});

test('after a refused login the new password is found within seconds, also when nothing is tried meanwhile', async () => {
  const { clock, platforms } = open();
  const { outdated } = await platforms.settingsOf(revision, signal);
  const stop = new AbortController();
  const watching = platforms.watch(stop.signal);
  platforms.heard(new GrueError('GRUE-PLT-005', 'unable to authenticate'));
  await clock.advance(30_000);
  expect(outdated.aborted).toBe(false);
  password = 'second';
  await clock.advance(5_000);
  expect(outdated.aborted).toBe(true);
  stop.abort();
  await watching;
});

test('other problems are no reason to read Secrets more often', async () => {
  const { clock, platforms } = open();
  await platforms.settingsOf(revision, signal);
  const stop = new AbortController();
  const watching = platforms.watch(stop.signal);
  reads = 0;
  platforms.heard(new GrueError('GRUE-PLT-003', 'no answer'));
  platforms.heard(new Error('of another kind'));
  await clock.advance(55_000);
  expect(reads).toBe(0);
  stop.abort();
  await watching;
});

test('a stage that opens again finds the new password at once, and the other stages with it', async () => {
  const { platforms } = open();
  const other = await platforms.settingsOf(revision, signal);
  password = 'second';
  const again = await platforms.settingsOf(revision, signal);
  expect(again.settings.kafka.sasl?.password).toBe('second');
  expect(other.outdated.aborted).toBe(true);
});

test('a Secret that is gone for a while outdates nothing: what runs with the old password goes on', async () => {
  const { clock, platforms } = open();
  const current = await platforms.settingsOf(revision, signal);
  const stop = new AbortController();
  const watching = platforms.watch(stop.signal);
  missing = 'Secret';
  await clock.advance(180_000);
  expect(current.outdated.aborted).toBe(false);
  await expect(platforms.settingsOf(revision, signal)).rejects.toMatchObject({ code: 'GRUE-PLT-006' });
  stop.abort();
  await watching;
});

test('a Platform is read once a minute, however many stages it has', async () => {
  const { clock, platforms } = open();
  for (let n = 0; n < 5; n++) await platforms.settingsOf(revision, signal);
  const stop = new AbortController();
  const watching = platforms.watch(stop.signal);
  reads = 0;
  await clock.advance(60_000);
  expect(reads).toBe(2);
  stop.abort();
  await watching;
});

test('a Platform that does not exist is said to be missing', async () => {
  missing = 'Platform';
  await expect(open().platforms.settingsOf(revision, signal)).rejects.toMatchObject({ code: 'GRUE-PLT-001' });
});
