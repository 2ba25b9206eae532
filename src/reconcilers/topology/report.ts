import { type GrueError, reasonOf } from '../../api/errors.ts';
import type { Revision } from '../../api/revision.ts';
import type { LogicalStatus } from '../../api/stream.ts';
import { kubeTime } from '../../controller/clock.ts';
import { findCondition, mergeConditions, type WantedCondition } from '../../controller/conditions.ts';
import { definitionDigest } from '../../topology/fingerprint.ts';
import type { NodeKey } from '../../topology/graph.ts';
import { type Sync, syncOf } from '../../topology/sync.ts';
import type { TopologyFacts } from '../facts.ts';
import type { Rejections } from '../recovery/rejections.ts';
import { isInstalled } from './adoption.ts';
import type { Installation } from './install.ts';

export interface ReportContext {
  readonly installation: Installation;
  /** What others did to the alias or the index of a sink of ours. */
  readonly disturbed: ReadonlyMap<NodeKey, GrueError>;
  /** What went wrong when Revisions were created. */
  readonly failure: GrueError | undefined;
  /** Of the desired definition, as it would be rolled out. */
  readonly fingerprint: string | undefined;
  /** What was given up, by resource. */
  readonly rejected: Rejections;
  readonly now: number;
}

/** The status of one logical resource. Pure. */
export function reportOf(key: NodeKey, facts: TopologyFacts, context: ReportContext): LogicalStatus {
  const { fingerprint, now } = context;
  const resource = facts.resources.get(key);
  if (!resource) throw new Error(`${key} is not in the facts`);
  const live = facts.live.get(key);
  const green = greenOf(key, facts);
  const rejected = context.rejected.get(key) ?? [];
  const problems = facts.problems.get(key) ?? [];
  const accepted: WantedCondition =
    problems.length === 0
      ? { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }
      : { type: 'Accepted', status: 'False', reason: problems[0] ? reasonOf(problems[0]) : 'Refused', message: problems.map(({ line }) => line).join('; ') };
  const wanted = [accepted, readyOf(key, live, facts, context), ...syncedOf(key, live, facts, fingerprint, rejected)];
  const conditions = mergeConditions(resource.status?.conditions, wanted, { now: kubeTime(now), generation: resource.metadata.generation });
  return {
    observedGeneration: resource.metadata.generation,
    ...(live ? { live: live.metadata.name } : {}),
    ...(green ? { green: green.metadata.name } : {}),
    ...(rejected.length > 0 ? { rejected: [...rejected] } : {}),
    conditions: [...conditions],
  };
}

/** The Revision that a migration is bringing up; during a first install there is none yet that readers could compare it with. */
const greenOf = (key: NodeKey, { revisions, roles, live }: TopologyFacts): Revision | undefined =>
  revisions.find(
    ({ spec, metadata }) => `${spec.of.kind}/${spec.of.name}` === key && roles.get(metadata.name) === 'green' && live.get(key)?.metadata.name !== metadata.name,
  );

function readyOf(key: NodeKey, live: Revision | undefined, facts: TopologyFacts, context: ReportContext): WantedCondition {
  const { installation, failure, disturbed } = context;
  const not = (reason: string, message: string): WantedCondition => ({ type: 'Ready', status: 'False', reason, message });
  const touched = disturbed.get(key);
  if (touched) return not(reasonOf(touched), touched.line);
  if (live) {
    const ready = findCondition(live.status?.conditions, 'Ready');
    return { type: 'Ready', status: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'Unknown', message: ready?.message ?? '' };
  }
  const reason = installation.blocked.get(key);
  if (reason !== undefined) return not('Blocked', reason);
  if (failure) return not(reasonOf(failure), failure.line);
  if (isInstalled(key, facts)) return not('Installing', 'it is being started');
  const sinks = sinksBelow(key, facts);
  if (sinks.length === 0) return not('NoSink', 'nothing reads it: attach a sink Connection');
  return sinks.every((sink) => isInstalled(sink, facts))
    ? not('Pending', 'what it leads to is live without it: a StreamMigration that names it rolls it out')
    : not('Installing', 'waiting until what it needs is complete');
}

/** The sinks that it leads to, itself included. */
function sinksBelow(key: NodeKey, { graph }: TopologyFacts): readonly NodeKey[] {
  const seen = new Set([key]);
  for (const next of seen) for (const below of graph.below(next)) seen.add(below);
  return [...seen].filter((one) => one.startsWith('Connection/'));
}

const advice: Readonly<Record<Sync, string>> = {
  InSync: '',
  Pending: 'the spec differs from what is live: a StreamMigration that names it rolls it out',
  LiveAhead: 'what is live was changed by a migration and is not in the spec yet',
  Conflict: 'the spec and what is live were both changed: bring the live change into the spec, or set allowRevert',
  Rejected: 'a migration has refused this definition: edit it, or retry',
};

function syncedOf(
  key: NodeKey,
  live: Revision | undefined,
  { definitions, liveDefinitions }: TopologyFacts,
  fingerprint: string | undefined,
  rejected: NonNullable<LogicalStatus['rejected']>,
): readonly WantedCondition[] {
  const definition = definitions.get(key);
  const isLive = liveDefinitions.get(key);
  if (!live || !definition || !isLive) return [];
  const desired = definitionDigest(definition);
  const reason = syncOf({
    desired,
    live: definitionDigest(isLive),
    accepted: live.spec.accepted,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    rejected: rejected.map(({ fingerprint }) => fingerprint),
  });
  return [{ type: 'Synced', status: reason === 'InSync' ? 'True' : 'False', reason, message: advice[reason] }];
}
