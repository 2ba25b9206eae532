import { createHash } from 'node:crypto';

/** A number in [0, 1) that depends on nothing but the words: the same seed gives the same run. */
export const chanceOf = (...words: readonly (string | number)[]): number => createHash('sha256').update(words.join('/')).digest().readUInt32BE(0) / 2 ** 32;

/** A row of such numbers (mulberry32). */
export function chances(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
