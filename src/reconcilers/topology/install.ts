import { GrueError } from '../../api/errors.ts';
import type { Revision } from '../../api/revision.ts';
import { definitionDigest, fingerprints } from '../../topology/fingerprint.ts';
import { buildGraph, type Graph, keyOf, type NodeKey } from '../../topology/graph.ts';
import { revisionsByName } from '../../topology/live.ts';
import { type Plan, planRevisions } from '../../topology/plan.ts';
import type { TopologyFacts } from '../facts.ts';
import { lineageOf } from '../lineage.ts';
import { physicalSuffix } from '../suffix.ts';
import { isInstalled } from './adoption.ts';

/** What is started without a migration, because nothing of it has ever been live. */
export interface Installation {
  readonly plan: Plan | undefined;
  /** Why a resource that is not installed is left alone. */
  readonly blocked: ReadonlyMap<NodeKey, string>;
  /** Until a resource has been unchanged for long enough; 0 when nothing waits. */
  readonly waitMilliseconds: number;
}

/** A first install waits shortly: files are applied one after the other. */
const settleMilliseconds = 1_500;

/** Takes the first sink that is sound, complete and not installed, with everything above it that is not live. Pure but for the time given. */
export function planInstallation(found: TopologyFacts, settledFor: (key: NodeKey) => number, taken: ReadonlyMap<NodeKey, number> = new Map()): Installation {
  const facts = withStarted(withoutBegun(found));
  const blocked = new Map<NodeKey, string>();
  let waitMilliseconds = 0;
  for (const key of facts.graph.order) {
    if (!key.startsWith('Connection/') || isInstalled(key, facts)) continue;
    const members = needed(key, facts);
    const reason = obstacle(members, facts);
    if (reason !== undefined) {
      blocked.set(key, reason);
      continue;
    }
    const left = Math.max(...members.map((member) => settleMilliseconds - settledFor(member)));
    if (left > 0) {
      waitMilliseconds = Math.max(waitMilliseconds, left);
      continue;
    }
    const planned = planFor(key, members, facts, taken);
    if (planned instanceof GrueError) blocked.set(key, planned.line);
    else if (planned) return { plan: planned, blocked, waitMilliseconds: 500 };
  }
  return { plan: undefined, blocked, waitMilliseconds };
}

/**
 * The facts without what a lost pass has created of an installation and no sink reads yet: the same plan makes it again under the same names.
 * Taken for live it would be joined to what nobody has made.
 */
function withoutBegun(facts: TopologyFacts): TopologyFacts {
  const { revisions, live, liveDefinitions } = facts;
  const byName = revisionsByName(revisions);
  const sinks = revisions.filter(({ spec }) => spec.connection !== undefined).map(({ metadata }) => metadata.name);
  const read = new Set(lineageOf(sinks, byName).map(({ metadata }) => metadata.name));
  const unread = revisions.filter(({ spec, metadata }) => spec.migration === '' && !read.has(metadata.name));
  if (unread.length === 0) return facts;
  const wanted = fingerprints(installedGraph(facts));
  const begun = new Set(
    unread.filter((revision) => {
      const key = keyOf(revision.spec.of);
      return revision.spec.fingerprint === wanted.get(key) && hasSuffix(revision, suffixOf(key, facts));
    }),
  );
  const stays = ([key]: readonly [NodeKey, unknown]): boolean => {
    const revision = live.get(key);
    return revision === undefined || !begun.has(revision);
  };
  return {
    ...facts,
    revisions: revisions.filter((revision) => !begun.has(revision)),
    live: new Map([...live].filter(stays)),
    liveDefinitions: new Map([...liveDefinitions].filter(stays)),
  };
}

/** The facts with what another sink's installation has made and whose alias is not bound yet: it is shared as if it were live, and not made again. */
function withStarted(facts: TopologyFacts): TopologyFacts {
  const { revisions, live, liveDefinitions, definitions, roles } = facts;
  const byName = revisionsByName(revisions);
  const sinks = revisions.filter(({ spec, metadata }) => spec.connection !== undefined && spec.migration === '' && roles.get(metadata.name) === 'green');
  if (sinks.length === 0) return facts;
  const wanted = fingerprints(installedGraph(facts));
  const started = lineageOf(
    sinks.map(({ metadata }) => metadata.name),
    byName,
  ).filter(({ spec }) => spec.migration === '' && !live.has(keyOf(spec.of)) && wanted.get(keyOf(spec.of)) === spec.fingerprint);
  const newDefinitions = started.flatMap(({ spec }) => {
    const definition = definitions.get(keyOf(spec.of));
    return definition ? [[keyOf(spec.of), definition] as const] : [];
  });
  return {
    ...facts,
    live: new Map([...live, ...started.map((revision) => [keyOf(revision.spec.of), revision] as const)]),
    liveDefinitions: new Map([...liveDefinitions, ...newDefinitions]),
  };
}

/** Of the resource's own identity, so that it does not matter for which sink it was planned. */
const suffixOf = (key: NodeKey, { resources }: TopologyFacts): string => physicalSuffix(`${resources.get(key)?.metadata.uid ?? ''}/${key}`);

const hasSuffix = ({ spec: { stream, physical } }: Revision, suffix: string): boolean =>
  stream?.external === true || (physical.topic ?? physical.group)?.endsWith(`-${suffix}`) === true;

/** The sink and everything above it that is not live. */
function needed(key: NodeKey, { graph, live }: TopologyFacts): readonly NodeKey[] {
  const members = new Set([key]);
  const open = [key];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const above of graph.above(next)) {
      if (live.has(above) || members.has(above)) continue;
      members.add(above);
      open.push(above);
    }
  }
  return [...members];
}

function obstacle(members: readonly NodeKey[], facts: TopologyFacts): string | undefined {
  for (const member of members) {
    const problem = facts.problems.get(member)?.[0];
    if (problem) return `${member}: ${problem.line}`;
    const liveBelow = member.startsWith('Pipeline/') ? facts.graph.below(member).find((below) => facts.live.has(below)) : undefined;
    if (liveBelow) return `${member} would write into ${liveBelow}, which is live: that takes a StreamMigration`;
  }
  return undefined;
}

/** What is live stays as it is, edits that are not rolled out included: an installation adds to it and changes nothing. */
function installedGraph({ definitions, liveDefinitions }: TopologyFacts): Graph {
  return buildGraph([...definitions].map(([key, definition]) => liveDefinitions.get(key) ?? definition)).graph;
}

function planFor(sink: NodeKey, members: readonly NodeKey[], facts: TopologyFacts, taken: ReadonlyMap<NodeKey, number>): Plan | GrueError | undefined {
  const resource = facts.resources.get(sink);
  const platform = resource && facts.platforms.get(resource.spec.platformRef.name);
  if (!resource || !platform?.servers) return undefined;
  try {
    const planned = planRevisions({
      namespace: facts.namespace,
      prefix: platform.platform.spec.prefix,
      platform: {
        name: platform.platform.metadata.name,
        kafkaClusterId: platform.servers.kafkaClusterId,
        elasticsearchUuid: platform.servers.elasticsearchUuid,
      },
      migration: '',
      attempt: 1,
      desired: installedGraph(facts),
      named: members,
      rebuild: false,
      live: facts.live,
      // What a lost pass has created, and nobody has realised, is found again under the same name.
      revisions: facts.revisions.filter(
        ({ spec, status, metadata }) => spec.migration !== '' || status?.uuids !== undefined || facts.roles.get(metadata.name) !== 'retired',
      ),
      taken,
      covers: () => true,
      roots: facts.roots,
      accepted: new Map([...facts.definitions.values()].map((definition) => [keyOf(definition), definitionDigest(definition)])),
      suffix: (key) => suffixOf(key, facts),
    });
    return 'nothingToDo' in planned ? undefined : planned;
  } catch (error) {
    if (error instanceof GrueError) return error;
    throw error;
  }
}
