import { createHash } from 'node:crypto';

/** Six characters that no other attempt has: derived, so that a pass that was lost half way chooses the same again. */
export const physicalSuffix = (seed: string): string =>
  BigInt(`0x${createHash('sha256').update(seed).digest('hex').slice(0, 16)}`)
    .toString(36)
    .padStart(6, '0')
    .slice(-6);
