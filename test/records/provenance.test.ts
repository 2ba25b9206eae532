import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extendPath, formatOrigin, formatStamp, originOfStamp, parseOrigin, parseStamp } from '../../src/records/provenance.ts';

const origins = fc.record({
  root: fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/),
  epoch: fc.nat(30_000),
  p: fc.nat(2_000),
  o: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  path: fc.constantFrom('', 'delays', 'delays/flights#2'),
});

describe('provenance', () => {
  test('a stamp that was written is read back, with offsets that no JavaScript number holds', () => {
    fc.assert(
      fc.property(origins, (origin) => {
        const text = formatStamp({ origin, rev: 'pipeline-delays-2' });
        expect(parseStamp(text)).toEqual({ origin, rev: 'pipeline-delays-2' });
        expect(originOfStamp(text)).toBe(formatOrigin(origin));
        expect(parseOrigin(formatOrigin(origin))).toEqual(origin);
      }),
    );
  });

  test.each([
    '',
    'flights',
    'flights|0|1|2',
    'flights|0|1|2|',
    'flights|0|x|2||rev',
    'flights|0|1|-2||rev',
    'Flights|0|1|2||rev',
    'flights|0|1|2||rev|more',
    'flights|0|1|2|"|rev',
  ])('%j is no stamp', (text) => {
    expect(parseStamp(text)).toBeUndefined();
    expect(originOfStamp(text)).toBeUndefined();
  });

  test('a path grows by the steps that say something', () => {
    expect(extendPath(extendPath(extendPath('', ''), 'delays'), 'flights#2')).toBe('delays/flights#2');
  });
});
