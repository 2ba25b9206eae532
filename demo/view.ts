import type { Phase } from '../src/api/stream-migration.ts';
import { systemClock } from '../src/controller/clock.ts';
import type { Course } from './course.ts';
import { block, type Frame, line } from './frame.ts';
import type { ReadCounts } from './read-log.ts';
import { type Rate, rate, type Side } from './samples.ts';
import type { Screen } from './screen.ts';
import type { Change } from './topology.ts';

/** What the view looks at. */
export interface Subject {
  readonly rows: number;
  readonly acknowledged: () => number;
  readonly reads: () => ReadCounts;
  readonly readersAt: () => string | undefined;
  readonly sides: () => Promise<readonly Side[]>;
  migration: { readonly number: number; readonly change: Change; readonly course: Course } | undefined;
}

const sampleEvery = 2_000;
const drawEvery = 250;
const lineEvery = 5_000;

/** Shows a run until the returned function is called: a live block on a terminal, a line every few seconds elsewhere. */
export function startView(screen: Screen, subject: Subject): () => Promise<void> {
  const rates = { records: rate(), reads: rate(), backlog: rate(), documents: new Map<string, Rate>() };
  const stopped = new AbortController();
  let sides: readonly Side[] = [];

  async function sample(): Promise<void> {
    // While servers come, go or are slow there is nothing to show; the next look is soon.
    sides = await subject.sides().catch(() => sides);
    const at = performance.now() / 1_000;
    rates.records.add(subject.acknowledged(), at);
    rates.reads.add(subject.reads().total, at);
    const left = backlogOf(sides);
    if (left === undefined) rates.backlog = rate();
    else rates.backlog.add(left, at);
    for (const { index, documents } of sides) documentsOf(index).add(documents, at);
  }

  function documentsOf(index: string): Rate {
    const known = rates.documents.get(index) ?? rate();
    rates.documents.set(index, known);
    return known;
  }

  const frame = (): Frame => ({
    migration: subject.migration && migrationOf(subject.migration, etaOf(subject.migration, rates.backlog, backlogOf(sides))),
    records: { acknowledged: subject.acknowledged(), rows: subject.rows, perSecond: rates.records.value() },
    sides: sides.map((side) => ({ ...side, perSecond: documentsOf(side.index).value() })),
    reads: { ...subject.reads(), perSecond: rates.reads.value(), index: subject.readersAt() },
  });

  const show = screen.isLive ? () => screen.draw(block(frame(), screen.columns())) : () => screen.say(line(frame()));
  const looping = (async () => {
    while (!stopped.signal.aborted) {
      await sample();
      await systemClock.sleep(sampleEvery, stopped.signal).catch(() => {});
    }
  })();
  const drawing = setInterval(show, screen.isLive ? drawEvery : lineEvery);
  return async () => {
    clearInterval(drawing);
    stopped.abort();
    await looping;
    screen.draw([]);
  };
}

function migrationOf({ number, change, course }: NonNullable<Subject['migration']>, eta: number | undefined): NonNullable<Frame['migration']> {
  return { number, name: change.name, what: change.what, phases: course.phases(), message: course.status()?.message ?? '', eta };
}

/** Until green has nothing left to process, by how fast that becomes less; in the soak, until it is over. */
function etaOf({ course, change }: NonNullable<Subject['migration']>, backlog: Rate, left: number | undefined): number | undefined {
  const phase: Phase | undefined = course.phases().at(-1)?.name;
  const movedAt = course.status()?.flip?.movedAt;
  if (phase === 'Soaking' && movedAt !== undefined) return soakLeft(change.soakSeconds, movedAt);
  const perSecond = -backlog.value();
  return phase === 'CatchingUp' && left !== undefined && perSecond > 0 ? left / perSecond : undefined;
}

/** A soak that is long is ended by a person, and nobody knows when. */
function soakLeft(soakSeconds: number, movedAt: string): number | undefined {
  const left = soakSeconds - (Date.now() - Date.parse(movedAt)) / 1_000;
  return left > 60 ? undefined : Math.max(0, left);
}

/** Records that the stages of green have not processed yet. */
function backlogOf(sides: readonly Side[]): number | undefined {
  const green = sides.find(({ role }) => role === 'green');
  return green?.behindInSql === undefined || green.behindInSink === undefined ? undefined : green.behindInSql + green.behindInSink;
}
