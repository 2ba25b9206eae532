import type { Offsets } from '../drivers/ports.ts';

/** One text per topic, in partition order: `120,96,-` is partition 0, 1 and an unknown 2. No partitions: the empty text. */
export function encodeOffsets(offsets: Offsets): string {
  return offsets.map((offset) => (offset === undefined ? '-' : offset.toString())).join(',');
}

/**
 * The inverse of {@link encodeOffsets}.
 * @throws RangeError on anything that it did not write: such a text is not from us, and guessing at it would move a fence
 */
export function decodeOffsets(text: string): Offsets {
  if (text === '') return [];
  return text.split(',').map((part) => {
    if (part === '-') return undefined;
    if (!/^[0-9]{1,19}$/.test(part)) throw new RangeError(`"${part.slice(0, 40)}" is no offset`);
    return BigInt(part);
  });
}

/** `flights[3]`, the way a partition is named to people. */
export const partitionName = (topic: string, partition: number): string => `${topic}[${partition}]`;
