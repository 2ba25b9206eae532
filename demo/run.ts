import type { MigrationStatus } from '../src/api/stream-migration.ts';
import { request } from '../src/cli/requests.ts';
import { systemClock } from '../src/controller/clock.ts';
import { apply } from '../test/support/grue.ts';
import { type Audit, runAudit } from './audit.ts';
import { type Course, type TopologyWatch, watchTopology } from './course.ts';
import { flights } from './data.ts';
import { deadLetteredNumbers } from './dead-letters.ts';
import { historyOf, type Production, produce } from './producer.ts';
import type { ReadLog } from './read-log.ts';
import { type Readers, startReaders } from './readers.ts';
import { type DemoReport, enoughReads, reportOf } from './report.ts';
import { sampleSides } from './samples.ts';
import { type Screen, styled } from './screen.ts';
import { type Change, firstTopology, partitions, resourcesOf, toHours, toRoutes } from './topology.ts';
import { type Subject, startView } from './view.ts';
import type { World } from './world.ts';

export interface Findings {
  readonly report: DemoReport;
  /** All that was produced. */
  readonly records: number;
  /** What the readers noticed of the first flip and of the rollback, by their own log. */
  readonly moves: { readonly there: ReturnType<ReadLog['move']>; readonly back: ReturnType<ReadLog['move']> };
}

/** What all steps of a run share. */
interface Run {
  readonly world: World;
  readonly screen: Screen;
  readonly watch: TopologyWatch;
  readonly production: Production;
  readonly readers: Readers;
  readonly subject: Subject;
  /** Records below this number can be found through the alias. */
  readonly visible: { below: number };
  /** Seconds that a step may take: more records take longer. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/** The whole story, from an empty cluster to the report. */
export async function runDemo(world: World, rows: number, screen: Screen, signal: AbortSignal, fail: (error: unknown) => void): Promise<Findings> {
  await using ending = new AsyncDisposableStack();
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);

  const { namespace, topic, alias } = world.names;
  const watch = await watchTopology(world.kube, namespace, stop);
  const production = produce({ kafka: world.kafka, topic, partitions, rows, source: flights(rows), signal: stop });
  production.done.catch(fail);
  ending.defer(async () => {
    over.abort();
    await production.done.catch(() => {});
  });
  const visible = { below: 0 };
  const complain = (what: string): void => screen.say(styled('red', `a read that is not as it should be: ${what}`));
  const readers = startReaders(world.search, alias, () => visible.below, complain, stop);
  ending.defer(() => readers.stop());
  const subject: Subject = {
    rows,
    acknowledged: production.acknowledged,
    reads: () => sum(readers.log.counts(0), readers.log.counts(1)),
    readersAt: readers.log.current,
    sides: () => sampleSides(watch.revisions(), world.cluster, world.search, stop),
    migration: undefined,
  };
  ending.defer(startView(screen, subject));
  const run: Run = { world, screen, watch, production, readers, visible, subject, patience: 240 + rows / 2_000, signal: stop };

  await goLive(run);
  const first = await migrate(run, toHours);
  const second = await migrateAndRollBack(run, toRoutes);
  return await conclude(run, first, second); // awaited here: what it needs ends with this function
}

/** Applies the first topology, and waits until it has the history. Readers start with the first documents. */
async function goLive({ world, production, screen, visible, subject, patience, signal }: Run): Promise<void> {
  for (const object of firstTopology(world.names)) await apply(world.kube, object);
  screen.say('applied the first topology: flights -> SQL -> delays -> the index behind the alias "delays"');
  const history = historyOf(subject.rows);
  const end = performance.now() + patience * 1_000;
  while (visible.below < history) {
    if (performance.now() > end) throw new Error(`only ${visible.below} of ${history} records are visible through the alias after ${patience} s`);
    const isFirst = visible.below === 0;
    const askedAt = performance.now();
    visible.below = Math.max(visible.below, await visibleBelow(world, history, signal));
    if (isFirst && visible.below > 0) screen.say('the topology is live and has its first documents: readers search the alias from now on');
    await systemClock.sleep(Math.max(250, 10 * (performance.now() - askedAt)), signal); // to look must not become the main work
  }
  await production.history;
  screen.say(`the history, ${history.toLocaleString('en-US')} records, is in the index; more are produced all the time`);
}

/** A number below which all records can be found through the alias; the readers stay below it, so nothing that they miss is merely late. */
async function visibleBelow({ search, names }: World, history: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const width = Math.max(1, Math.floor(history / 1_000));
  const { status, text } = await search.ask('POST', `/${names.alias}/_search?filter_path=aggregations`, {
    size: 0,
    query: { range: { number: { lt: history } } },
    aggs: { numbers: { histogram: { field: 'number', interval: width, min_doc_count: 1 } } },
  });
  const { aggregations } = (status === 200 ? JSON.parse(text) : {}) as {
    aggregations?: { numbers: { buckets: readonly { key: number; doc_count: number }[] } };
  };
  let whole = 0;
  for (const { key, doc_count } of aggregations?.numbers.buckets ?? []) {
    if (key !== whole || doc_count < Math.min(width, history - whole)) break;
    whole += doc_count;
  }
  return whole;
}

/** What is known of a migration when it has ended. */
interface Chapter {
  readonly course: Course;
  readonly status: MigrationStatus;
  readonly records: number;
  readonly audit: Audit;
  readonly blue: string;
  readonly green: string;
}

async function migrate(run: Run, change: Change): Promise<Chapter> {
  const course = await begin(run, change, 1);
  await course.until('Soaking', run.patience);
  const audited = await auditInSoak(run, 0);
  const status = await course.until('Completed', run.patience + change.soakSeconds);
  await moreReads(run, () => run.readers.log.counts(0).total, 15);
  return { course, status, ...audited };
}

async function migrateAndRollBack(run: Run, change: Change): Promise<Chapter> {
  run.readers.log.nextChapter();
  const course = await begin(run, change, 2);
  await course.until('Soaking', run.patience);
  const audited = await auditInSoak(run, 1);
  run.screen.say('readers are on green, and now somebody wants the old state back: grue rollback');
  const { result } = await request(run.world.kube, {
    namespace: run.world.names.namespace,
    name: change.name,
    verb: 'rollback',
    reason: 'the demo shows how to go back',
  });
  if (!result.startsWith('accepted')) throw new Error(`the rollback was not accepted: ${result}`);
  const status = await course.until('RolledBack', run.patience);
  await moreReads(run, () => run.subject.reads().total, run.patience);
  return { course, status, ...audited };
}

/** Edits the logical resources, as a person would in Git, and applies the migration that names them. */
async function begin({ world, watch, screen, subject }: Run, change: Change, number: number): Promise<Course> {
  screen.say(`migration ${number} of 2, ${change.name}: ${change.what}`);
  const course = watch.course(change.name, (phase, { message }) => screen.say(`  ${change.name}: ${phase}${message ? `: ${message}` : ''}`));
  subject.migration = { number, change, course };
  for (const object of resourcesOf(change, world.names)) await apply(world.kube, object);
  return course;
}

/** Compares both indices with what Kafka had acknowledged at this moment, while both go on being fed. Which indices, the readers know. */
async function auditInSoak(
  { world, readers, production, screen, patience, signal }: Run,
  chapter: number,
): Promise<Pick<Chapter, 'records' | 'audit' | 'blue' | 'green'>> {
  const records = production.acknowledged();
  const [blue, green] = await systemIndices(readers.log, chapter, signal);
  const audit = await runAudit(world.search, {
    indices: [blue, green],
    below: records,
    deadLettered: () => deadLetteredNumbers(world, signal),
    patience: patience * 1_000,
    signal,
  });
  const { lost, duplicated } = audit;
  screen.say(
    `  looked at every document of both indices: of ${records.toLocaleString('en-US')} records ${lost.size} are lost and ${duplicated.size} duplicated`,
  );
  return { records, audit, blue, green };
}

/** The index that readers came from and the one that they are on, as they have seen it. */
async function systemIndices(log: ReadLog, chapter: number, signal: AbortSignal): Promise<readonly [blue: string, green: string]> {
  const end = performance.now() + 10_000;
  for (;;) {
    const [blue, green] = log.indices(chapter);
    if (blue !== undefined && green !== undefined) return [blue, green];
    if (performance.now() > end) throw new Error('the migration says that readers were moved, but no reader has had an answer from another index');
    await systemClock.sleep(50, signal);
  }
}

/** On a fast machine a migration is over before enough has been read to mean something; readers then go on for a while. */
async function moreReads({ subject, screen, signal }: Run, soFar: () => number, atMostSeconds: number): Promise<void> {
  if (soFar() >= enoughReads) return;
  screen.say(`  ${subject.migration?.change.name}: waiting until readers have made ${enoughReads.toLocaleString('en-US')} searches`);
  const end = performance.now() + atMostSeconds * 1_000;
  while (soFar() < enoughReads && performance.now() < end) await systemClock.sleep(200, signal);
}

/** Produces what is left, and looks at every document of the index that readers are on in the end. */
async function conclude(run: Run, first: Chapter, second: Chapter): Promise<Findings> {
  const { world, production, readers, screen, patience, signal } = run;
  production.hurry();
  await production.done;
  const records = production.acknowledged();
  screen.say(`all ${records.toLocaleString('en-US')} records are produced`);
  const index = readers.log.current() ?? second.blue;
  const final = await runAudit(world.search, {
    indices: [index],
    below: records,
    deadLettered: () => deadLetteredNumbers(world, signal),
    patience: patience * 1_000,
    signal,
  });
  await readers.stop();
  screen.say('looked at every document of the index that readers are on');
  const { log } = readers;
  return {
    report: {
      ...reportOf({ ...first, audits: [first.audit], reads: log.counts(0), phases: first.course.phases() }),
      rollback: reportOf({ ...second, audits: [second.audit, final], reads: log.counts(1), phases: second.course.phases() }),
    },
    records,
    moves: { there: log.move(first.blue, first.green, 0), back: log.move(second.green, second.blue, 1) },
  };
}

const sum = (a: ReturnType<ReadLog['counts']>, b: typeof a): typeof a => ({
  total: a.total + b.total,
  failed: a.failed + b.failed,
  empty: a.empty + b.empty,
  mixed: a.mixed + b.mixed,
});
