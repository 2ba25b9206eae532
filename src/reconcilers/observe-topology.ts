import { GrueError } from '../api/errors.ts';
import type { Revision } from '../api/revision.ts';
import type { AliasTarget, SqlOutline, SqlStream } from '../drivers/ports.ts';
import { definitionOf } from '../topology/definition.ts';
import { buildGraph, type Definition, type Graph, type NodeKey } from '../topology/graph.ts';
import { liveRevisions, roles } from '../topology/live.ts';
import type { RootFacts } from '../topology/plan.ts';
import { failureOf, orCoded } from './coded.ts';
import { keyOfResource, type LiveFacts, type LogicalResource, type Lost, type PlatformFacts, type TopologyFacts } from './facts.ts';
import { observeLost } from './recovery/lost.ts';
import { held, straysAmong } from './recovery/strays.ts';
import { references } from './references.ts';
import type { World } from './world.ts';

/** What is live, from the aliases and the Revisions. */
export async function observeLive(namespace: string, world: World, signal: AbortSignal): Promise<LiveFacts> {
  const { caches } = world;
  const resources = logicalResources(namespace, world);
  const there = caches.revisions.list(namespace);
  const migrations = caches.migrations.list(namespace);
  const platforms = await connectAll(platformNames(resources, there), namespace, world, signal);
  const aliases = await readAliases(resources, there, platforms, signal);
  const lost = await observeLost({ namespace, installation: world.installation, platforms, revisions: there, aliases }, signal);
  const revisions = [...there.map((revision) => recognised(revision, lost)), ...lost.revisions];
  const live = liveRevisions(revisions, aliases);
  const strays = straysAmong(there, live);
  const found = roles({ revisions, live, references: [...references(migrations, there), ...held(strays)] });
  const sure = lost.unexplained.length === 0 ? found : new Map([...found].filter(([, role]) => role !== 'retired'));
  return { namespace, platforms, revisions, migrations, aliases, lost, strays, live, roles: sure };
}

export async function observeTopology(namespace: string, world: World, signal: AbortSignal): Promise<TopologyFacts> {
  const facts = await observeLive(namespace, world, signal);
  const resources = new Map(logicalResources(namespace, world).map((resource) => [keyOfResource(resource), resource]));
  const problems = problemList();
  const definitions = await defineAll(resources.values(), world, problems, signal);
  const { graph, problems: ofGraph } = buildGraph([...definitions.values()]);
  for (const { at, error } of ofGraph) problems.add(at, error);
  for (const [key, resource] of resources) {
    const error = facts.platforms.get(resource.spec.platformRef.name)?.error;
    if (error) problems.add(key, error);
  }
  const roots = await readRoots(resources, facts.platforms, problems, signal);
  await checkSql(definitions, graph, problems, world, signal);
  return { ...facts, resources, definitions, graph, problems: problems.all, roots, liveDefinitions: await defineLive(facts.live, world, signal) };
}

/** A Revision whose status is lost, with the identity of its index that readers use. */
function recognised(revision: Revision, lost: Lost): Revision {
  const index = lost.recognised.get(revision.metadata.name);
  return index === undefined ? revision : { ...revision, status: { ...revision.status, uuids: { index } } };
}

/** The Streams, Pipelines and Connections that are there to stay. */
export const logicalResources = (namespace: string, { caches }: World): readonly LogicalResource[] =>
  [...caches.streams.list(namespace), ...caches.pipelines.list(namespace), ...caches.connections.list(namespace)].filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );

function problemList() {
  const all = new Map<NodeKey, GrueError[]>();
  return {
    all,
    add(key: NodeKey, error: GrueError): void {
      const list = all.get(key);
      if (list) list.push(error);
      else all.set(key, [error]);
    },
  };
}
type ProblemList = ReturnType<typeof problemList>;

async function defineAll(resources: Iterable<LogicalResource>, world: World, problems: ProblemList, signal: AbortSignal): Promise<Map<NodeKey, Definition>> {
  const definitions = new Map<NodeKey, Definition>();
  for (const resource of resources) {
    const key = keyOfResource(resource);
    const { name } = resource.metadata;
    if (resource.kind === 'Pipeline') {
      const outline = await orCoded(() => world.sql.outline(resource.spec.sql, signal));
      if (outline instanceof GrueError) problems.add(key, outline);
      else definitions.set(key, { kind: 'Pipeline', name, spec: resource.spec, outline });
    } else if (resource.kind === 'Stream') definitions.set(key, { kind: 'Stream', name, spec: resource.spec });
    else definitions.set(key, { kind: 'Connection', name, spec: resource.spec });
  }
  return definitions;
}

async function defineLive(live: ReadonlyMap<NodeKey, Revision>, world: World, signal: AbortSignal): Promise<ReadonlyMap<NodeKey, Definition>> {
  const definitions = new Map<NodeKey, Definition>();
  for (const [key, revision] of live) {
    const { pipeline } = revision.spec;
    definitions.set(key, definitionOf(revision, pipeline && (await world.sql.outline(pipeline.sql, signal))));
  }
  return definitions;
}

function platformNames(resources: readonly LogicalResource[], revisions: readonly Revision[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { spec } of resources) names.add(spec.platformRef.name);
  for (const { spec } of revisions) names.add(spec.platform.name);
  return names;
}

async function connectAll(names: ReadonlySet<string>, namespace: string, world: World, signal: AbortSignal): Promise<ReadonlyMap<string, PlatformFacts>> {
  const found = await Promise.all([...names].map(async (name) => [name, await connect(name, namespace, world, signal)] as const));
  return new Map(found);
}

/** The Platform of that name and its servers, or the coded reason why there are none. */
export async function connect(name: string, namespace: string, world: World, signal: AbortSignal): Promise<PlatformFacts> {
  const platform = world.caches.platforms.get(`${namespace}/${name}`);
  if (!platform || platform.metadata.deletionTimestamp !== undefined)
    return {
      error: new GrueError('GRUE-PLT-001', `there is no Platform ${name} in namespace ${namespace}`, {
        at: 'spec.platformRef.name',
        fix: 'create it, or name another',
      }),
    };
  const servers = await orCoded(() => world.servers(platform, signal));
  return servers instanceof GrueError ? { platform, error: servers } : { platform, servers };
}

const aliasOf = (resource: LogicalResource): string | undefined => (resource.kind === 'Connection' ? resource.spec.destination?.alias : undefined);

async function readAliases(
  resources: readonly LogicalResource[],
  revisions: readonly Revision[],
  platforms: ReadonlyMap<string, PlatformFacts>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly AliasTarget[]>> {
  const aliases = new Map<string, readonly AliasTarget[]>();
  for (const [name, { servers }] of platforms) {
    if (!servers) continue;
    const wanted = new Set<string>();
    for (const resource of resources) if (resource.spec.platformRef.name === name) add(wanted, aliasOf(resource));
    for (const { spec } of revisions) if (spec.platform.name === name) add(wanted, spec.connection?.destination.alias);
    if (wanted.size === 0) continue;
    for (const [alias, targets] of await servers.search.aliases([...wanted], signal)) aliases.set(alias, targets);
  }
  return aliases;
}

function add(set: Set<string>, value: string | undefined): void {
  if (value !== undefined) set.add(value);
}

async function readRoots(
  resources: ReadonlyMap<NodeKey, LogicalResource>,
  platforms: ReadonlyMap<string, PlatformFacts>,
  problems: ProblemList,
  signal: AbortSignal,
): Promise<ReadonlyMap<NodeKey, RootFacts>> {
  const roots = new Map<NodeKey, RootFacts>();
  for (const [name, { servers }] of platforms) {
    if (!servers) continue;
    const external = [...resources].flatMap(([key, { kind, spec }]) =>
      kind === 'Stream' && spec.external && spec.platformRef.name === name ? [{ key, topic: spec.external.topic }] : [],
    );
    if (external.length === 0) continue;
    const topics = await servers.kafka.topics(
      external.map(({ topic }) => topic),
      signal,
    );
    for (const { key, topic } of external) {
      const facts = topics.get(topic);
      if (facts) roots.set(key, { epoch: 0, partitions: facts.partitions });
      else
        problems.add(
          key,
          new GrueError('GRUE-KFK-001', `topic ${topic} does not exist`, { at: 'spec.external.topic', fix: 'create the topic, or correct the name' }),
        );
    }
  }
  return roots;
}

const sqlStream = (definition: Definition & { kind: 'Stream' }): SqlStream => ({
  name: definition.name,
  type: definition.spec.type,
  fields: definition.spec.schema.fields,
  primaryKey: definition.spec.keys?.primary ?? [],
  partitionKey: definition.spec.keys?.partition ?? definition.spec.keys?.primary ?? [],
  ...(definition.spec.ordering ? { orderingField: definition.spec.ordering.field } : {}),
});

/** Checks each pipeline against the streams it names; a stream that is missing has been reported by the graph already. */
async function checkSql(definitions: ReadonlyMap<NodeKey, Definition>, graph: Graph, problems: ProblemList, world: World, signal: AbortSignal): Promise<void> {
  for (const key of graph.nodes.keys()) {
    const definition = definitions.get(key);
    if (definition?.kind !== 'Pipeline' || definition.spec.engine !== 'embedded') continue;
    const problem = await failureOf(() => checkPipeline(definition.spec.sql, definition.outline, definitions, world, signal));
    if (problem) problems.add(key, problem);
  }
}

/** @throws GrueError GRUE-SQL-... when the SQL does not fit its streams */
export async function checkPipeline(
  sql: string,
  outline: SqlOutline,
  definitions: ReadonlyMap<NodeKey, Definition>,
  world: World,
  signal: AbortSignal,
): Promise<void> {
  const stream = (name: string): SqlStream | undefined => {
    const definition = definitions.get(`Stream/${name}`);
    return definition?.kind === 'Stream' ? sqlStream(definition) : undefined;
  };
  const inputs = outline.inputs.flatMap((name) => stream(name) ?? []);
  const output = stream(outline.output);
  if (output && inputs.length === outline.inputs.length) await world.sql.check(sql, inputs, output, signal);
}
