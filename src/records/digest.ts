import { createHash } from 'node:crypto';
import type { Field } from '../api/common.ts';
import { formatFieldType, parseFieldType } from './field-types.ts';

/** Number of limbs and bits of each: a sum of 2^29 of them is still exact in a double, in which Elasticsearch sums. */
export const limbs = { count: 4, bits: 24 } as const;

export type Limbs = readonly [number, number, number, number];

/**
 * Digest of a document: four 24-bit limbs of a 128-bit hash over its id and its canonical JSON (fields in the order of their names).
 * md5 read as a little-endian number, two limbs from the upper end of each half, because that is what the embedded engine computes natively; it is not meant to resist an attacker.
 */
export function digestOf(id: string, canonicalJson: string): Limbs {
  const hash = createHash('md5').update(`${id}\n${canonicalJson}`).digest();
  return [hash.readUIntLE(13, 3), hash.readUIntLE(10, 3), hash.readUIntLE(5, 3), hash.readUIntLE(2, 3)];
}

/** The limbs as one text, for comparing. */
export const formatDigest = (digest: readonly (number | string)[]): string => digest.join('-');

/** Names the projection that a digest covers: two digests can be compared only if their projections are equal. */
export function projectionOf(fields: readonly Field[]): string {
  const covered = fields.map(({ name, type }) => `${name} ${formatFieldType(parseFieldType(type))}`).sort();
  return createHash('md5').update(covered.join('\n')).digest('base64url').slice(0, 10);
}
