import { filtersAgree } from './alias-filters.ts';
import { noNewDeadLetters } from './dead-letters.ts';
import type { Gate } from './gate.ts';
import { historyCovered } from './history-covered.ts';
import { parityHolds } from './parity.ts';

/** Readers move only past all of these. */
export const beforeFlip: readonly Gate[] = [
  historyCovered, //    nothing in blue is older than what green read
  noNewDeadLetters, //  green processed everything that blue could
  parityHolds, //       both sides hold the same at the fence
  filtersAgree, //      also through the filter that readers use
];
