import type { SelfEnded } from './fleet.ts';

/** `out/chaos-report.json`. */
export interface ChaosReport {
  readonly seed: string;
  /** How long processes were killed. */
  readonly seconds: number;
  readonly kills: number;
  readonly killsOf: { readonly operator: number; readonly worker: number };
  /** Of the operators, those that held the lease. */
  readonly leaderKills: number;
  readonly pauses: number;
  readonly selfEnded: readonly SelfEnded[];
  readonly migrations: number;
  /** Migrations by what they came to: Completed, Aborted, RolledBack. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How often each plan was begun. */
  readonly plans: Readonly<Record<string, number>>;
  readonly flips: number;
  /** Acknowledged by Kafka, changes included. */
  readonly records: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Documents with other content than their record has. */
  readonly wrong: number;
  readonly deadLetters: number;
  readonly reads: { readonly total: number; readonly failed: number; readonly empty: number; readonly mixed: number };
  /** Looks at where the aliases point. */
  readonly aliasLooks: number;
  /** The longest time in which green should have run and committed nothing. */
  readonly longestStandstillSeconds: number;
  readonly leftBehind: readonly string[];
  /** Everything else that was not as it should be. */
  readonly problems: readonly string[];
  readonly story: readonly {
    readonly name: string;
    readonly plan: string;
    readonly outcome: string;
    readonly seconds: number;
    readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  }[];
}

/** A kill each twelve seconds makes fifty in ten minutes. */
const secondsPerKill = 12;
/** So long a run has seen every way to end. */
const longSeconds = 300;

export const leastKills = (seconds: number): number => Math.floor(seconds / secondsPerKill);

/** Every reason why the run is not what it should be; none means that all is right. */
export function verdict(report: ChaosReport): readonly string[] {
  const { seconds, kills, selfEnded, migrations, outcomes, records, lost, duplicated, wrong, deadLetters, reads, aliasLooks, leftBehind, problems } = report;
  const strange = selfEnded.filter(({ name, wasPaused }) => name.startsWith('worker') || !wasPaused);
  const missing = ['Completed', 'Aborted', 'RolledBack'].filter((outcome) => (outcomes[outcome] ?? 0) === 0);
  const rules: readonly (readonly [holds: boolean, otherwise: string])[] = [
    [kills >= leastKills(seconds), `only ${kills} processes were killed in ${seconds} s`],
    [migrations > 0, 'no migration has ended'],
    [seconds < longSeconds || missing.length === 0, `no migration was ${missing.join(', none ')}`],
    [records > 0, 'nothing was produced'],
    [lost === 0, `${lost} records are lost`],
    [duplicated === 0, `${duplicated} records are duplicated`],
    [wrong === 0, `${wrong} documents do not hold what their record says`],
    [deadLetters === 0, `${deadLetters} good records are among the dead letters`],
    [reads.total > 0 && aliasLooks > 0, 'nobody has read'],
    [reads.failed === 0, `${reads.failed} reads failed`],
    [reads.empty === 0, `${reads.empty} reads missed documents`],
    [reads.mixed === 0, `${reads.mixed} reads mixed two versions`],
    [leftBehind.length === 0, `left behind: ${leftBehind.join(', ')}`],
    [strange.length === 0, `ended by themselves: ${strange.map(({ name, code }) => `${name} (${code})`).join(', ')}`],
  ];
  return [...rules.flatMap(([holds, otherwise]) => (holds ? [] : [otherwise])), ...problems];
}
