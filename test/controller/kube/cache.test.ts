import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { cacheStore, isAtOrAfter } from '../../../src/controller/kube/cache.ts';
import { type Widget, widget } from '../../support/kube-kinds.ts';

const byPart = { part: (object: Widget) => object.spec?.parts ?? [] };
const stored = (name: string, version: number, spec: Widget['spec'] = {}, uid = `uid-${name}`): Widget =>
  widget(name, spec, { uid, resourceVersion: String(version) });

test('objects are frozen to the bottom', () => {
  const cache = cacheStore<Widget>();
  cache.put(stored('a', 1, { parts: ['wheel'] }));
  const parts = cache.get('shop/a')?.spec?.parts as string[];
  expect(() => parts.push('door')).toThrow(TypeError);
});

test('an object of the same name with another uid is a deletion and an addition', () => {
  const cache = cacheStore<Widget>();
  const first = stored('a', 1, {}, 'one');
  const second = stored('a', 5, {}, 'two');
  cache.replace([first], '1', 0);
  expect(cache.replace([second], '5', 0)).toEqual([
    { key: 'shop/a', before: first },
    { key: 'shop/a', after: second },
  ]);
});

test('the deletion of an earlier incarnation does not remove the later one', () => {
  const cache = cacheStore<Widget>();
  cache.put(stored('a', 5, {}, 'two'));
  expect(cache.remove(stored('a', 6, {}, 'one'))).toEqual([]);
  expect(cache.get('shop/a')).toBeDefined();
});

test('a list replaces everything: what it does not hold is reported as deleted, what it holds unchanged is not reported', () => {
  const cache = cacheStore<Widget>();
  cache.replace([stored('a', 1), stored('b', 2)], '2', 0);
  const changes = cache.replace([stored('b', 2), stored('c', 4)], '4', 10);
  expect(changes.map(({ key, before, after }) => [key, before !== undefined, after !== undefined])).toEqual([
    ['shop/a', true, false],
    ['shop/c', false, true],
  ]);
  expect([cache.resourceVersion(), cache.listedAt(), cache.size()]).toEqual(['4', 10, 2]);
});

test('managedFields and the last-applied annotation are dropped, other annotations stay', () => {
  const cache = cacheStore<Widget>();
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' };
  cache.put(widget('a', {}, { uid: 'u', resourceVersion: '1', managedFields: [{}], annotations }));
  expect(cache.get('shop/a')?.metadata).toEqual({ name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '1', annotations: { note: 'kept' } });
});

test('an index that was not declared is an error, not an empty answer', () => {
  expect(() => cacheStore<Widget>(byPart).byIndex('colour', 'red')).toThrow('no index "colour"');
});

test('an indexer that throws is reported, and its object is kept', () => {
  const onError = vi.fn();
  const fails = (): string[] => {
    throw new Error('no spec');
  };
  const cache = cacheStore<Widget>({ fails, ...byPart }, onError);
  cache.put(stored('a', 1, { parts: ['wheel'] }));
  expect(onError).toHaveBeenCalledWith(new Error('no spec'), 'shop/a');
  expect(cache.byIndex('part', 'wheel')).toHaveLength(1);
});

test('a list of one namespace holds no object of another', () => {
  const cache = cacheStore<Widget>();
  cache.put(stored('a', 1));
  cache.put(widget('b', {}, { namespace: 'depot', uid: 'b', resourceVersion: '2' }));
  expect(cache.list('depot').map(({ metadata }) => metadata.name)).toEqual(['b']);
  expect(cache.list()).toHaveLength(2);
});

test('versions are compared as numbers of any length', () => {
  expect(isAtOrAfter('100', '99')).toBe(true);
  expect(isAtOrAfter('99', '100')).toBe(false);
  expect(isAtOrAfter('18446744073709551616', '18446744073709551615')).toBe(true);
  expect(isAtOrAfter('7', '7')).toBe(true);
  expect(isAtOrAfter('', '7')).toBe(false);
});

describe('what a watch tells again, because it was opened anew from a while ago,', () => {
  const [older, newer, gone] = [stored('a', 5, { parts: ['wheel'] }), stored('a', 7, { parts: ['door'] }), stored('a', 9)];
  const watched = (): ReturnType<typeof cacheStore<Widget>> => {
    const cache = cacheStore<Widget>(byPart);
    cache.put(older);
    cache.put(newer);
    return cache;
  };

  test('takes no object back to what it was', () => {
    const cache = watched();
    expect(cache.put(older)).toEqual([]);
    expect([cache.get('shop/a')?.spec?.parts, cache.byIndex('part', 'wheel'), cache.resourceVersion()]).toEqual([['door'], [], '7']);
  });

  test('brings nothing back that was deleted', () => {
    const cache = watched();
    cache.remove(gone);
    expect(cache.put(newer)).toEqual([]);
    expect([cache.size(), cache.resourceVersion()]).toEqual([0, '9']);
  });

  test('puts no earlier incarnation in the place of a later one, and its end does not take that away', () => {
    const cache = watched();
    cache.remove(gone);
    cache.put(stored('a', 12, {}, 'another'));
    expect([cache.put(newer), cache.remove(gone)]).toEqual([[], []]);
    expect([cache.get('shop/a')?.metadata.uid, cache.resourceVersion()]).toEqual(['another', '12']);
  });

  test('is news where the list had shown only a part of it: a later page is of a later state', () => {
    const cache = cacheStore<Widget>();
    cache.replace([stored('a', 5), stored('z', 8)], '5', 0);
    expect(cache.put(stored('m', 6))).toHaveLength(1);
    expect(cache.put(stored('z', 7))).toEqual([]);
    expect(cache.resourceVersion()).toBe('7');
  });
});

test('a list of a server that was restored from a backup counts, although its versions are older', () => {
  const cache = cacheStore<Widget>();
  cache.put(stored('a', 70));
  cache.replace([stored('a', 30)], '31', 0);
  expect(cache.put(stored('a', 32, { parts: ['seat'] }))).toHaveLength(1);
  expect([cache.get('shop/a')?.spec?.parts, cache.resourceVersion()]).toEqual([['seat'], '32']);
});

describe('under any sequence of changes', () => {
  const object = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    uid: fc.constantFrom('one', 'two'),
    version: fc.integer({ min: 1, max: 9 }),
    parts: fc.uniqueArray(fc.constantFrom('wheel', 'door', 'seat')),
  });
  const step = fc.oneof(
    fc.record({ do: fc.constantFrom('put' as const, 'remove' as const), object }),
    fc.record({ do: fc.constant('replace' as const), objects: fc.uniqueArray(object, { selector: ({ name }) => name }) }),
  );

  test('an index answers as if it were computed from all objects at the moment of the question', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const cache = cacheStore<Widget>(byPart);
        for (const each of steps) {
          if (each.do === 'replace') cache.replace(each.objects.map(toWidget), '9', 0);
          else cache[each.do](toWidget(each.object));
        }
        for (const part of ['wheel', 'door', 'seat']) {
          const expected = cache.list().filter(({ spec }) => spec?.parts?.includes(part));
          expect(new Set(cache.byIndex('part', part))).toEqual(new Set(expected));
        }
      }),
    );
    function toWidget({ name, uid, version, parts }: { name: string; uid: string; version: number; parts: string[] }): Widget {
      return stored(name, version, { parts }, uid);
    }
  });
});
