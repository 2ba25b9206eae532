import { type ErrorCode, type ErrorDetails, GrueError } from '../../api/errors.ts';
import type { SqlOutline, SqlStream } from '../ports.ts';

/** What the operator asks its checker process: one JSON text per line, one answer per question, in order. */
export type Question =
  | { readonly ask: 'outline'; readonly sql: string }
  | { readonly ask: 'check'; readonly sql: string; readonly inputs: readonly SqlStream[]; readonly output: SqlStream };

export type OutlineAnswer = Omit<SqlOutline, 'columns'> & { readonly columns: readonly { readonly input: string; readonly used?: readonly string[] }[] };

export type Answer =
  | { readonly outline: OutlineAnswer }
  | { readonly passed: true }
  | { readonly refused: { readonly code: ErrorCode; readonly message: string; readonly at?: ErrorDetails['at']; readonly fix?: string } }
  | { readonly failed: string };

export const packOutline = ({ columns, ...rest }: SqlOutline): OutlineAnswer => ({
  ...rest,
  columns: [...columns].map(([input, used]) => (used === undefined ? { input } : { input, used })),
});

export const unpackOutline = ({ columns, ...rest }: OutlineAnswer): SqlOutline => ({
  ...rest,
  columns: new Map(columns.map(({ input, used }) => [input, used])),
});

export function packError(error: unknown): Answer {
  if (!(error instanceof GrueError)) return { failed: error instanceof Error ? error.message : String(error) };
  const { code, message, at, fix } = error;
  return { refused: { code, message, ...(at === undefined ? {} : { at }), ...(fix === undefined ? {} : { fix }) } };
}
