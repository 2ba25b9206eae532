import { apiVersion } from '../../src/api/common.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { StreamSpec } from '../../src/api/stream.ts';
import { definitionDigest } from '../../src/topology/fingerprint.ts';
import {
  buildGraph,
  type ConnectionDefinition,
  type Definition,
  type Graph,
  keyOf,
  type NodeKey,
  type PipelineDefinition,
  type StreamDefinition,
} from '../../src/topology/graph.ts';
import { type Plan, type PlanInput, planRevisions } from '../../src/topology/plan.ts';
import type { NewRevision } from '../../src/topology/realise.ts';

/** Logical resources in few words, and a namespace in which plans are carried out: what the reconcilers and servers do, without them. */

const platformRef = { name: 'default' };

/** `{a: 'INT'}` as fields. */
export type Columns = Readonly<Record<string, string>>;
const fieldsOf = (columns: Columns) => Object.entries(columns).map(([name, type]) => ({ name, type }));
const defaultColumns: Columns = { id: 'STRING', a: 'INT', b: 'INT' };

export const stream = (name: string, columns: Columns = defaultColumns, spec: Partial<StreamSpec> = {}): StreamDefinition => ({
  kind: 'Stream',
  name,
  spec: { platformRef, type: 'Append', schema: { fields: fieldsOf(columns) }, ...spec },
});

export const external = (name: string, columns: Columns = defaultColumns, spec: Partial<StreamSpec> = {}): StreamDefinition =>
  stream(name, columns, { external: { topic: name }, ...spec });

export interface PipelineParts {
  readonly from: string | readonly string[] | Readonly<Record<string, readonly string[]>>;
  readonly to: string;
  /** What the SQL does with its columns: any text. */
  readonly does?: string;
  /** A comment, which the outline does not show. */
  readonly comment?: string;
}

/** A pipeline with the outline that the engine would give. Columns used: those listed per input, else all. */
export function pipeline(name: string, { from, to, does = '*', comment = '' }: PipelineParts): PipelineDefinition {
  const listed = typeof from === 'string' ? [from] : from;
  const columns = new Map<string, readonly string[] | undefined>(Array.isArray(listed) ? listed.map((input) => [input, undefined]) : Object.entries(listed));
  const inputs = [...columns.keys()];
  const canonical = `INSERT INTO ${to} SELECT ${does} FROM ${inputs.join(', ')}`;
  return {
    kind: 'Pipeline',
    name,
    spec: { platformRef, engine: 'embedded', sql: comment === '' ? canonical : `-- ${comment}\n${canonical}` },
    outline: { output: to, inputs, canonical, columns },
  };
}

export const sink = (name: string, of: string, spec: Partial<ConnectionDefinition['spec']> = {}): ConnectionDefinition => ({
  kind: 'Connection',
  name,
  spec: { platformRef, type: 'Sink', connector: 'elasticsearch', stream: of, destination: { alias: name }, keepVersions: 1, ...spec },
});

/** The topology of the first page: flights -> delays -> an index. */
export const flights: readonly Definition[] = [
  external('flights', { date: 'TIMESTAMP(3)', delay: 'INT' }),
  pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'date, delay / 60.0 AS hours' }),
  stream('delays', { date: 'TIMESTAMP(3)', hours: 'DOUBLE' }, { partitions: 3 }),
  sink('delays-index', 'delays', { destination: { alias: 'delays' } }),
];

/** The definitions with those of the same kind and name replaced, or added. */
export const withDefinitions = (base: readonly Definition[], ...changed: readonly Definition[]): readonly Definition[] => {
  const all = new Map(base.map((definition) => [keyOf(definition), definition]));
  for (const definition of changed) all.set(keyOf(definition), definition);
  return [...all.values()];
};

export const graphOf = (definitions: readonly Definition[]): Graph => buildGraph(definitions).graph;

/** A Revision object as the API server would return it after provisioning. */
export function revisionOf({ name, spec }: NewRevision): Revision {
  const { index } = spec.physical;
  return {
    apiVersion,
    kind: 'Revision',
    metadata: { name, namespace: 'flights', uid: name, resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
    status: { state: 'Running', uuids: index === undefined ? {} : { index: `uuid-of-${index}` } },
  };
}

/** What stands in a namespace and its servers. */
export interface Namespace {
  readonly revisions: readonly Revision[];
  readonly aliases: ReadonlyMap<string, readonly { readonly index: string; readonly uuid: string }[]>;
}

export const emptyNamespace: Namespace = { revisions: [], aliases: new Map() };

export function planInput(namespace: Namespace, live: PlanInput['live'], definitions: readonly Definition[], parts: Partial<PlanInput> = {}): PlanInput {
  const desired = graphOf(definitions);
  return {
    namespace: 'flights',
    prefix: 'grue',
    platform: { name: 'default', kafkaClusterId: 'kafka', elasticsearchUuid: 'elasticsearch' },
    migration: live.size === 0 ? '' : 'change',
    attempt: 1,
    desired,
    named: [...desired.nodes.keys()],
    rebuild: false,
    live,
    revisions: namespace.revisions,
    covers: () => true,
    roots: new Map(
      definitions.flatMap((definition) =>
        definition.kind === 'Stream' && definition.spec.external ? [[keyOf(definition), { epoch: 0, partitions: 2 }] as const] : [],
      ),
    ),
    accepted: new Map(definitions.map((definition) => [keyOf(definition), definitionDigest(definition)])),
    suffix: (key) => `${key.length % 10}sufix`,
    ...parts,
  };
}

export function planned(input: PlanInput): Plan {
  const plan = planRevisions(input);
  if ('nothingToDo' in plan) throw new Error(`nothing to do: ${plan.nothingToDo}`);
  return plan;
}

/** Creates the Revisions of a plan. Aliases stay. */
export const provision = (namespace: Namespace, plan: Plan): Namespace => ({
  ...namespace,
  revisions: [...namespace.revisions, ...plan.revisions.map(revisionOf)],
});

/** Moves the aliases of all sinks that a plan clones or flips back. */
export function flip(namespace: Namespace, plan: Plan): Namespace {
  const aliases = new Map(namespace.aliases);
  for (const { of, to } of plan.steps) {
    const found = namespace.revisions.find(({ metadata }) => metadata.name === to);
    if (of.kind !== 'Connection' || !found?.spec.connection) continue;
    aliases.set(found.spec.connection.destination.alias, [{ index: found.spec.physical.index ?? '', uuid: found.status?.uuids?.index ?? '' }]);
  }
  return { ...namespace, aliases };
}

/** What a plan does with each resource, as lines: `Clone Pipeline/delays: SQL changed`. */
export const stepLines = (plan: Plan): readonly string[] => plan.steps.map(({ of, action, why }) => `${action} ${keyOf(of)}: ${why}`);

export const actionsOf = (plan: Plan): ReadonlyMap<NodeKey, string> => new Map(plan.steps.map(({ of, action }) => [keyOf(of), action]));
