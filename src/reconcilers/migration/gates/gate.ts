import type { GateOutcome } from '../../../api/stream-migration.ts';
import type { Measurement } from '../measurement.ts';

/** What a gate says of a measurement: what was seen, and what it was held against. */
export interface GateVerdict {
  readonly outcome: GateOutcome;
  readonly observed: string;
  readonly bound: string;
}

export interface Gate {
  readonly name: string;
  judge(measurement: Measurement): GateVerdict;
}

const severity: Readonly<Record<GateOutcome, number>> = { Pass: 0, Inconclusive: 1, Error: 2, Fail: 3 };

/** The verdict over several parts is that of the worst. */
export function worst(parts: readonly GateVerdict[]): GateVerdict {
  const [first, ...others] = parts;
  if (first === undefined) return { outcome: 'Inconclusive', observed: 'nothing was measured', bound: 'at least one sink' };
  const found = others.reduce((a, b) => (severity[b.outcome] > severity[a.outcome] ? b : a), first);
  return { ...found, observed: found.outcome === 'Pass' ? parts.map(({ observed }) => observed).join('; ') : found.observed };
}
