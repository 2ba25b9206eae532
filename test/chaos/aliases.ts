import type { Search } from '../../demo/search.ts';
import type { AliasMove } from '../../src/api/stream-migration.ts';

/** Which index stands behind each alias, in the order of the aliases. */
export type Standing = readonly string[];

/** What was seen of the aliases, by somebody who looks at them all the time. */
export interface AliasLog {
  readonly looks: number;
  /** Looks at which an alias was not on exactly one index. */
  readonly wrong: readonly string[];
  /** Each standing that followed another one, the first included: what the cluster state showed. */
  readonly standings: readonly Standing[];
  /** Searches over all aliases at once. */
  readonly reads: { readonly total: number; readonly failed: number; readonly empty: number; readonly mixed: number };
  /** The sets of indices that answered one search over all aliases. */
  readonly answered: readonly Standing[];
}

const pauseMilliseconds = 40;
const wrongKept = 5;

interface SearchAnswer {
  readonly timed_out?: boolean;
  readonly _shards?: { readonly failed: number };
  readonly aggregations?: { readonly indices: { readonly buckets: readonly { readonly key: string }[] } };
}

/** Looks, turn by turn, at where the aliases point, and at which indices answer one search over all of them. */
export function watchAliases(search: Search, aliases: readonly string[]): { stop(): Promise<AliasLog> } {
  const standings: Standing[] = [];
  const answered = new Map<string, Standing>();
  const wrong: string[] = [];
  const reads = { total: 0, failed: 0, empty: 0, mixed: 0 };
  let looks = 0;
  let going = true;

  async function look(): Promise<void> {
    looks += 1;
    const { status, text } = await search.ask('GET', `/_alias/${aliases.join()}`);
    const found = status === 200 ? (JSON.parse(text) as Readonly<Record<string, { readonly aliases: object }>>) : {};
    const behind = aliases.map((alias) => Object.keys(found).filter((index) => alias in (found[index]?.aliases ?? {})));
    if (behind.some(({ length }) => length !== 1)) {
      if (wrong.length < wrongKept) wrong.push(`${status}: ${text.slice(0, 300)}`);
      return;
    }
    const standing = behind.flat();
    if (standings.at(-1)?.join() !== standing.join()) standings.push(standing);
  }

  async function read(): Promise<void> {
    reads.total += 1;
    const { status, text } = await search.ask('POST', `/${aliases.join()}/_search`, {
      size: 0,
      aggs: { indices: { terms: { field: '_index', size: 100 } } },
    });
    const answer = JSON.parse(text) as SearchAnswer;
    if (status !== 200 || answer.timed_out !== false || answer._shards?.failed !== 0) {
      reads.failed += 1;
      return;
    }
    const indices = (answer.aggregations?.indices.buckets ?? []).map(({ key }) => key).sort();
    if (indices.length < aliases.length) reads.empty += 1;
    else if (indices.length > aliases.length) reads.mixed += 1;
    else answered.set(indices.join(), indices);
  }

  async function loop(): Promise<void> {
    while (going) {
      await look().catch((error: unknown) => wrong.push(String(error)));
      await read().catch(() => {
        reads.failed += 1;
      });
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    }
  }

  const running = loop();
  return {
    async stop() {
      going = false;
      await running;
      return { looks, wrong, standings, reads, answered: [...answered.values()] };
    },
  };
}

/** A decided move of readers, as the status of a migration holds it. */
export interface Move {
  readonly intendedAt: string;
  readonly direction: 'Forward' | 'Back';
  readonly intent: readonly AliasMove[];
}

/**
 * What the aliases must have shown if each move was made once, and nobody else moved them.
 * A status keeps the last of its moves: one that went back is known to have gone there first.
 */
export function expectedStandings(first: Standing, aliases: readonly string[], moves: readonly Move[]): readonly Standing[] {
  const standings = [first];
  const move = (to: ReadonlyMap<string, string>): void => {
    standings.push(aliases.map((alias, i) => to.get(alias) ?? standings.at(-1)?.[i] ?? ''));
  };
  for (const { direction, intent } of [...moves].sort((a, b) => (a.intendedAt < b.intendedAt ? -1 : 1))) {
    if (direction === 'Back') move(new Map(intent.map(({ alias, from }) => [alias, from.index])));
    move(new Map(intent.map(({ alias, to }) => [alias, to.index])));
  }
  return standings;
}

/** Every way in which what was seen differs from what the moves explain; none if all is right. */
export function judgeAliases(
  log: AliasLog,
  aliases: readonly string[],
  moves: readonly Move[],
): { readonly mixed: number; readonly problems: readonly string[] } {
  const expected = expectedStandings(log.standings[0] ?? [], aliases, moves);
  const lines = (standings: readonly Standing[]): string => standings.map((standing) => standing.join(' + ')).join('\n    ');
  const same = lines(expected) === lines(log.standings);
  const legitimate = new Set(expected.map((standing) => [...standing].sort().join()));
  const strange = log.answered.filter((indices) => !legitimate.has(indices.join()));
  return {
    mixed: log.reads.mixed + strange.length,
    problems: [
      ...log.wrong.map((what) => `an alias was not on exactly one index: ${what}`),
      ...(same ? [] : [`readers were moved otherwise than the migrations say:\n    ${lines(log.standings)}\n  but the migrations say\n    ${lines(expected)}`]),
      ...strange.map((indices) => `one search was answered by indices that never stood together: ${indices.join(' + ')}`),
    ],
  };
}
