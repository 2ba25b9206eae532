import type { Revision } from '../../api/revision.ts';
import type { StreamMigration } from '../../api/stream-migration.ts';
import type { Offset, Offsets } from '../../drivers/ports.ts';
import { type FenceInput, lagOf, type StageFacts } from '../../parity/fence.ts';
import { lineageOf, readsOf } from '../lineage.ts';
import { rateOf, remember } from '../memory.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import type { Progress } from './snapshot.ts';

const isStage = ({ spec }: Revision): boolean => spec.stream === undefined;

/** Positions of all stages of the given sinks. The order of the calls is part of the proof: commits, then high watermarks, then stable ends. */
export async function fenceFacts(
  sinks: readonly string[],
  revisions: ReadonlyMap<string, Revision>,
  servers: Servers,
  signal: AbortSignal,
): Promise<FenceInput> {
  const chain = lineageOf(sinks, revisions);
  const stages = await Promise.all(chain.filter(isStage).map((revision) => stageFacts(revision, servers, signal)));
  const roots = [...new Set(chain.flatMap(readsOf).flatMap(({ root, topic }) => (root ? [topic] : [])))];
  const sinkInputs = [...new Set(chain.flatMap(({ spec }) => spec.connection?.reads.topic ?? []))];
  const topics = [...new Set([...stages.flatMap(({ reads, writes }) => (writes === undefined ? reads : [...reads, writes]))])];
  const highWatermark = await servers.kafka.offsets(topics, 'HighWatermark', signal);
  const lastStable = await servers.kafka.offsets(roots, 'LastStable', signal);
  const [logStart, described] = await Promise.all([servers.kafka.offsets(topics, 'Earliest', signal), servers.kafka.topics(topics, signal)]);
  const topicIds = new Map([...described].map(([name, { id }]) => [name, id]));
  return { stages, roots, sinkInputs, topicIds, highWatermark, lastStable, logStart };
}

async function stageFacts(revision: Revision, servers: Servers, signal: AbortSignal): Promise<StageFacts> {
  const reads = [...new Set(readsOf(revision).map(({ topic }) => topic))];
  const writes = revision.spec.pipeline?.writes.topic;
  const committed: ReadonlyMap<string, Offsets> = await servers.kafka.committed(revision.spec.physical.group ?? '', reads, signal);
  return { revision: revision.metadata.name, reads, ...(writes === undefined ? {} : { writes }), committed };
}

/** How far green and blue are. */
export async function observeProgress(
  migration: StreamMigration,
  revisions: ReadonlyMap<string, Revision>,
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<Progress | undefined> {
  const steps = migration.status?.plan?.steps ?? [];
  const clones = steps.filter(({ action }) => action === 'Clone');
  if (clones.some(({ to }) => revisions.get(to)?.status?.state !== 'Running')) return undefined;
  const sinks = clones.filter(({ of }) => of.kind === 'Connection').flatMap(({ from, to }) => (from === undefined ? [to] : [from, to]));
  const fenceInput = await fenceFacts(sinks, revisions, servers, signal);
  const green = new Set(clones.map(({ to }) => to));
  const own = fenceInput.stages.filter(({ revision }) => green.has(revision));
  const lags = own.map((stage) => lagOf(stage, fenceInput.highWatermark, fenceInput.logStart));
  const lag = lags.reduce<Offset | undefined>((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0n);
  const done = own.flatMap(({ committed }) => [...committed.values()].flat()).reduce<Offset>((sum, offset) => sum + (offset ?? 0n), 0n);
  const samples = remember(world.memory.samples.get(migration.metadata.uid), { at: world.clock.monotonic(), done });
  world.memory.samples.set(migration.metadata.uid, samples);
  const rate = rateOf(samples);
  const eta = lag === undefined || rate === undefined || rate <= 0 ? undefined : Number(lag) / rate;
  return { fenceInput, lag, rate, eta, unhealthy: unhealthyStages(lineageOf(sinks, revisions)) };
}

const alarms = new Set(['RecordsAccepted', 'HistoryIntact', 'OriginIntact']);

/** What the workers report as wrong. */
export function unhealthyStages(stages: readonly Revision[]): readonly string[] {
  return stages.flatMap(({ metadata, status }) =>
    (status?.conditions ?? []).filter(({ type, status: truth }) => truth === 'False' && alarms.has(type)).map(({ message }) => `${metadata.name}: ${message}`),
  );
}
