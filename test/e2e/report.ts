import type { Numbers } from './scenario.ts';

export interface ScenarioResult extends Numbers {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** Why it has not passed. */
  readonly problem?: string;
}

export interface EndToEndReport {
  readonly cluster: string;
  readonly kubernetes: string;
  readonly seconds: number;
  readonly scenarios: readonly ScenarioResult[];
}

/** Scenarios below each other, with their numbers. */
export function tableOf(scenarios: readonly ScenarioResult[]): string {
  const rows = [
    ['scenario', 'passed', 'seconds', 'lost', 'duplicated', 'failed reads'],
    ...scenarios.map(({ name, passed, seconds, lost, duplicated, failedReads }) =>
      [name, passed ? 'yes' : 'NO', seconds.toFixed(0), lost, duplicated, failedReads].map(String),
    ),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')).join('\n');
}

export const isRight = ({ lost, duplicated, failedReads }: Numbers): boolean => lost + duplicated + failedReads === 0;
