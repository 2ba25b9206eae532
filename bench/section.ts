/** One line of the table at the end. */
export interface Row {
  readonly what: string;
  readonly observed: string;
  /** Absent where the figure is there to explain another one. */
  readonly goal?: { readonly text: string; readonly met: boolean };
}

/** What one part of the benchmark found: figures for the report, and how they read. */
export interface Section<Figures> {
  readonly figures: Figures;
  readonly rows: readonly Row[];
}

/** Says what is being done, for those who wait. */
export type Progress = (line: string) => void;

export const number = (value: number, digits = 0): string => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const atLeast = (value: number, bound: number, text: string): NonNullable<Row['goal']> => ({ text: `>= ${text}`, met: value >= bound });
export const atMost = (value: number, bound: number, text: string): NonNullable<Row['goal']> => ({ text: `<= ${text}`, met: value <= bound });

/** The table, with the goal beside each figure that has one. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ what, observed, goal }) => [what, observed, goal?.text ?? '', goal === undefined ? '' : goal.met ? 'met' : 'MISSED']);
  const lines = [['', 'observed', 'goal', ''], ...cells];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
