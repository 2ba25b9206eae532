import type { TypedField } from '../../../records/field-types.ts';

/** A field of the output and the expression that fills it. */
export interface ResolvedColumn {
  readonly field: TypedField;
  /** SQL over the fields of the input. */
  readonly text: string;
  readonly at: number | undefined;
  /** Set if it is a field of the input, unchanged. */
  readonly source?: string;
}

/** One SELECT with its columns in the order of the output's fields. */
export interface ResolvedBranch {
  readonly input: string;
  readonly columns: readonly ResolvedColumn[];
  readonly where: string | undefined;
  /** Fields of the input that it uses at all. */
  readonly used: readonly string[];
  readonly at: number | undefined;
}
