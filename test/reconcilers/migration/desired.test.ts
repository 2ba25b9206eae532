import { describe, expect, test } from 'vitest';
import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import type { TopologyFacts } from '../../../src/reconcilers/facts.ts';
import { desiredGraph } from '../../../src/reconcilers/migration/desired.ts';
import type { World } from '../../../src/reconcilers/world.ts';
import { definitionDigest } from '../../../src/topology/fingerprint.ts';
import { type Definition, keyOf, type NodeKey } from '../../../src/topology/graph.ts';
import { external, graphOf, pipeline, sink, stream, withDefinitions } from '../../topology/builders.ts';

const base = [external('flights'), pipeline('delays', { from: 'flights', to: 'delays' }), stream('delays'), sink('index', 'delays')];
const saying = (does: string) => withDefinitions(base, pipeline('delays', { from: 'flights', to: 'delays', does }));
const delays: NodeKey = 'Pipeline/delays';

interface Course {
  /** What Git says, what is live, and what Git said when that went live. */
  readonly desired: readonly Definition[];
  readonly live: readonly Definition[];
  readonly accepted: readonly Definition[];
}

function factsOf({ desired, live, accepted }: Course): TopologyFacts {
  const digests = new Map(accepted.map((definition) => [keyOf(definition), definitionDigest(definition)]));
  const revisions = live.map((definition) => [keyOf(definition), { spec: { accepted: digests.get(keyOf(definition)) } }] as const);
  return {
    resources: new Map(desired.map((definition) => [keyOf(definition), definition])),
    graph: graphOf(desired),
    definitions: new Map(desired.map((definition) => [keyOf(definition), definition])),
    liveDefinitions: new Map(live.map((definition) => [keyOf(definition), definition])),
    live: new Map(revisions),
  } as unknown as TopologyFacts;
}

async function desiredOf(course: Course, spec: object) {
  const migration = { spec: { resources: [{ kind: 'Pipeline', name: 'delays' }], allowRevert: false, ...spec } } as unknown as StreamMigration;
  const world = { sql: { check: async () => undefined } } as unknown as World;
  const { graph, problems } = await desiredGraph(migration, factsOf(course), world, new AbortController().signal);
  const chosen = graph.nodes.get(delays);
  return { sql: chosen?.kind === 'Pipeline' ? chosen.outline.canonical.match(/SELECT (\w+)/)?.[1] : undefined, problems: problems.map(({ code }) => code) };
}

describe('what a migration of a named resource rolls out', () => {
  test('is the edit, where what is live was made from the spec before it', async () => {
    expect(await desiredOf({ desired: saying('b'), live: saying('a'), accepted: saying('a') }, {})).toEqual({ sql: 'b', problems: [] });
  });

  test('leaves alone what went live inline, as long as nobody has edited the spec', async () => {
    const ahead = { desired: saying('a'), live: saying('b'), accepted: saying('a') };
    expect(await desiredOf(ahead, {})).toEqual({ sql: 'b', problems: [] });
    expect(await desiredOf(ahead, { allowRevert: true })).toEqual({ sql: 'a', problems: [] });
  });

  test('is refused where both were changed, because the inline change would be undone without a word', async () => {
    const apart = { desired: saying('c'), live: saying('b'), accepted: saying('a') };
    expect((await desiredOf(apart, {})).problems).toEqual(['GRUE-MIG-009']);
    expect(await desiredOf(apart, { allowRevert: true })).toEqual({ sql: 'c', problems: [] });
  });

  test('is nothing new once the spec holds the inline change', async () => {
    expect(await desiredOf({ desired: saying('b'), live: saying('b'), accepted: saying('a') }, {})).toEqual({ sql: 'b', problems: [] });
  });

  test('is without a pipeline that was deleted, where the stream that it wrote is made anew, and with it where that stays', async () => {
    const other = pipeline('others', { from: 'flights', to: 'delays' });
    const both = [...base, other];
    const [, gone] = base;
    const course = { desired: both.filter((definition) => definition !== gone), live: both, accepted: both };
    const nodesOf = async (kind: string, name: string) => {
      const migration = { spec: { resources: [{ kind, name }], allowRevert: false } } as unknown as StreamMigration;
      const world = { sql: { check: async () => undefined } } as unknown as World;
      return (await desiredGraph(migration, factsOf(course), world, new AbortController().signal)).graph.nodes;
    };
    expect((await nodesOf('Pipeline', 'others')).has(delays)).toBe(false);
    expect((await nodesOf('Connection', 'index')).has(delays)).toBe(true);
  });
});
