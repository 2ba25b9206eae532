import { beforeEach, expect, test } from 'vitest';
import type { KubeApi } from '../../src/controller/kube/api.ts';
import { type CacheStore, cacheStore } from '../../src/controller/kube/cache.ts';
import { type OwnWrites, ownWrites, remembering } from '../../src/controller/own-writes.ts';
import { type Widget, widget, widgetType } from '../support/kube-kinds.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let cache: CacheStore<Widget>;
let writes: OwnWrites;
const at = (version: number, name = 'a', uid = 'one'): Widget => widget(name, {}, { uid, resourceVersion: String(version) });

beforeEach(() => {
  clock = virtualClock();
  cache = cacheStore<Widget>();
  writes = ownWrites(cache, clock);
  cache.replace([at(5)], '9', clock.monotonic());
});

test('a key that we did not write is current', () => {
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('after a write the cache is not current until it has heard of that write', () => {
  writes.remember(at(12));
  expect(writes.cacheIsCurrent('shop/a')).toBe(false);
  cache.put(at(10));
  expect(writes.cacheIsCurrent('shop/a')).toBe(false);
  cache.put(at(12));
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('the last of several writes counts', () => {
  writes.remember(at(12));
  writes.remember(at(14));
  cache.put(at(12));
  expect(writes.cacheIsCurrent('shop/a')).toBe(false);
  cache.put(at(14));
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('an event was faster than the answer to our write: the cache is current', () => {
  cache.put(at(13));
  writes.remember(at(12));
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('a deletion or a recreation after the write counts as later', () => {
  writes.remember(at(12));
  cache.remove(at(15));
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
  writes.remember(at(20));
  cache.put(at(22, 'a', 'two'));
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('a creation is remembered like any other write', () => {
  writes.remember(at(12, 'new'));
  expect(writes.cacheIsCurrent('shop/new')).toBe(false);
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('a list that began after the write makes the cache current, one that began before it does not', async () => {
  await clock.advance(1_000);
  writes.remember(at(100));
  cache.replace([at(6)], '7', 500);
  expect(writes.cacheIsCurrent('shop/a')).toBe(false);
  cache.replace([at(6)], '8', 2_000);
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('what is current is forgotten: an older cache afterwards is not held against it', () => {
  writes.remember(at(12));
  cache.put(at(12));
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
  cache.progress('3');
  expect(writes.cacheIsCurrent('shop/a')).toBe(true);
});

test('a namespace is current when every write in it has been heard of', () => {
  writes.remember(at(12));
  writes.remember(at(14, 'b'));
  expect(writes.namespaceIsCurrent('shop')).toBe(false);
  expect(writes.namespaceIsCurrent('elsewhere')).toBe(true);
  cache.put(at(12));
  expect(writes.namespaceIsCurrent('shop')).toBe(false);
  cache.put(at(14, 'b'));
  expect(writes.namespaceIsCurrent('shop')).toBe(true);
});

test('what a pass creates is remembered like what it writes', async () => {
  const api = { create: async () => at(12) } as unknown as KubeApi;
  await remembering(api, () => writes).create(widgetType, at(1), { fieldManager: 'test' });
  expect(writes.cacheIsCurrent('shop/a')).toBe(false);
});

test('an event tells of our own write if it has the version that we wrote, and of another otherwise', () => {
  writes.remember(at(12));
  expect(writes.isOurs(at(12))).toBe(true);
  expect(writes.isOurs(at(13))).toBe(false);
  expect(writes.isOurs(at(12, 'b'))).toBe(false);
});
