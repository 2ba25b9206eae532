import type { OriginRange } from '../../drivers/ports.ts';
import type { AppendSide } from '../../parity/append.ts';
import type { ChangeInput } from '../../parity/change.ts';
import type { CountBounds } from '../../parity/verdict.ts';

/** What was counted at one fence for one alias, on both sides. */
export interface PairMeasurement {
  readonly alias: string;
  readonly counts:
    | { readonly type: 'Append'; readonly region: readonly OriginRange[]; readonly green: AppendSide; readonly blue: AppendSide }
    | ({ readonly type: 'Change' } & Omit<ChangeInput, 'bounds' | 'rounds'>);
  /** Documents seen through the filter and routing that readers use; absent where the alias has neither. */
  readonly throughAlias: { readonly green: number; readonly blue: number } | undefined;
}

/** Everything that the gates before the flip judge. */
export interface Measurement {
  readonly fence: number;
  readonly pairs: readonly PairMeasurement[];
  /** Identities among the dead letters of green that blue could process, a few of them. */
  readonly newDeadLetters: { readonly count: number; readonly examples: readonly string[] };
  /** Set when something changed while it was measured: then the numbers mean nothing. */
  readonly disturbed: string | undefined;
  readonly bounds: CountBounds;
}
