import { describe, expect, test } from 'vitest';
import { type ChangeInput, type ChangeSide, judgeChange } from '../../src/parity/change.ts';

/** A side with so many documents at rest, and the versions of the ids in motion that it shows. */
const side = (atRest: number | undefined, present: Readonly<Record<string, string>> = {}, pending: readonly string[] = Object.keys(present)): ChangeSide => ({
  total: atRest === undefined ? undefined : atRest + pending.filter((id) => id in present).length,
  pending: new Set(pending),
  present: new Map(Object.entries(present)),
});
const round = (green: ChangeSide, blue: ChangeSide, parts: Partial<ChangeInput> = {}) =>
  judgeChange({ green, blue, bounds: { tolerance: 0 }, open: undefined, rounds: 3, ...parts });

describe('parity of a Change stream', () => {
  const cases: readonly {
    readonly name: string;
    readonly green: ChangeSide;
    readonly blue: ChangeSide;
    readonly parts?: Partial<ChangeInput>;
    readonly outcome: string;
  }[] = [
    { name: 'equal counts, nothing in motion', green: side(10), blue: side(10), outcome: 'Pass' },
    { name: 'one document too many at rest', green: side(11), blue: side(10), outcome: 'Fail' },
    { name: 'one too few at rest, within the tolerance', green: side(9), blue: side(10), parts: { bounds: { tolerance: 1 } }, outcome: 'Pass' },
    {
      name: 'a declared ratio that is kept',
      green: side(5),
      blue: side(10),
      parts: { bounds: { tolerance: 0, ratio: { min: 0.4, max: 0.6 } } },
      outcome: 'Pass',
    },
    { name: 'nothing on either side', green: side(0), blue: side(0), outcome: 'Inconclusive' },
    { name: 'a count that is missing', green: side(undefined), blue: side(10), outcome: 'Inconclusive' },
    { name: 'every id in motion, all of them in one version', green: side(0, { a: '7' }), blue: side(0, { a: '7' }), outcome: 'Pass' },
    { name: 'an id in motion that was deleted on both sides', green: side(10, {}, ['a']), blue: side(10, {}, ['a']), outcome: 'Pass' },
    { name: 'an id in motion that differs, in the first round', green: side(10, { a: '7' }), blue: side(10, { a: '6' }), outcome: 'Inconclusive' },
    { name: 'an id that only green has, in the first round', green: side(10, { a: '7' }), blue: side(10, {}, ['a']), outcome: 'Inconclusive' },
  ];
  test.each(cases)('$outcome: $name', ({ green, blue, parts, outcome }) => {
    expect(round(green, blue, parts).verdict.outcome).toBe(outcome);
  });

  test('an id that only one side has seen in motion is in motion on both', () => {
    const green: ChangeSide = { total: 11, pending: new Set(['a']), present: new Map([['a', '7']]) };
    const blue: ChangeSide = { total: 10, pending: new Set(), present: new Map() };
    expect(round(green, blue)).toMatchObject({ verdict: { outcome: 'Inconclusive', reason: 'PendingIds' } });
  });
});

describe('an id that differs', () => {
  const first = round(side(10, { a: '7' }), side(10, { a: '6' }));

  test('stays open for the next round', () => {
    expect(first.open).toEqual(new Map([['a', { rounds: 1, version: '7' }]]));
  });

  test('is settled by one version on both sides, while others go on moving', () => {
    const second = round(side(10, { a: '9', b: '3' }), side(10, { a: '9', b: '2' }), { open: first.open });
    expect(second.verdict.outcome).toBe('Pass');
    expect(second.open).toEqual(new Map([['b', { rounds: 1, version: '3' }]]));
  });

  test('is settled by coming to rest, where it is counted', () => {
    expect(round(side(11), side(11), { open: first.open })).toMatchObject({ verdict: { outcome: 'Pass' } });
    expect(round(side(11), side(10), { open: first.open })).toMatchObject({ verdict: { outcome: 'Fail' } });
  });

  test('is settled once both sides have passed the version that they differed in, although a hot key is never caught in one', () => {
    const second = round(side(10, { a: '9' }), side(10, { a: '7' }), { open: first.open });
    expect(second).toEqual({ verdict: expect.objectContaining({ outcome: 'Pass' }), open: new Map([['a', { rounds: 1, version: '9' }]]) });
    expect(round(side(10, { a: '12' }), side(10, { a: '8' }), { open: second.open }).verdict.outcome).toBe('Inconclusive');
  });

  test('for the first time after a round in which all agreed is judged at the next fence, as any other', () => {
    const agreed = round(side(10, { a: '7' }), side(10, { a: '7' }));
    expect(round(side(10, { a: '9' }), side(10, { a: '8' }), { open: agreed.open }).verdict.outcome).toBe('Pass');
  });

  test('holds back every further round, and is named when it has done so for long', () => {
    const second = round(side(10, { a: '9' }), side(10, { a: '6' }), { open: first.open });
    expect(second.verdict).toMatchObject({ outcome: 'Inconclusive', reason: 'PendingIds' });
    const third = round(side(10, { a: '11' }), side(10, {}, ['a']), { open: second.open });
    expect(third.verdict.outcome).toBe('Inconclusive');
    expect(third.verdict.observed).toContain('after 3 fences the sides still differ in a');
  });

  test('does not hide a difference among those at rest', () => {
    expect(round(side(12, { a: '9' }), side(10, { a: '8' })).verdict.outcome).toBe('Fail');
  });

  test('may be on one side only where a change of counts was declared, but not in two versions', () => {
    const halved = { bounds: { tolerance: 0, ratio: { min: 0.5, max: 0.5 } } };
    expect(round(side(5, {}, ['a']), side(10, { a: '7' }), halved).verdict.outcome).toBe('Pass');
    expect(round(side(5, { a: '8' }), side(10, { a: '7' }), halved).verdict.outcome).toBe('Inconclusive');
  });
});

describe('when the key changes', () => {
  const blue = side(10, { a: '7' });

  test('each side leaves out its own ids in motion, and versions say nothing', () => {
    const green = side(10, { 'a/1': '7', 'a/2': '7' });
    expect(round(green, blue, { rekeyed: { unmatched: 0 } })).toMatchObject({ verdict: { outcome: 'Pass' }, open: new Map() });
  });

  test('a record that only one side has got so far may be what the counts differ by, and more than that is a difference', () => {
    expect(round(side(11), blue, { rekeyed: { unmatched: 1 } }).verdict).toMatchObject({ outcome: 'Inconclusive', reason: 'PendingIds' });
    expect(round(side(12), blue, { rekeyed: { unmatched: 1 } }).verdict.outcome).toBe('Fail');
  });
});
