import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { closure } from '../../src/topology/closure.ts';
import { fingerprints } from '../../src/topology/fingerprint.ts';
import { buildGraph, type Definition, type Graph, keyOf, type NodeKey, reach } from '../../src/topology/graph.ts';
import { liveRevisions, roles } from '../../src/topology/live.ts';
import { type PlanInput, planRevisions } from '../../src/topology/plan.ts';
import { actionsOf, emptyNamespace, external, flip, graphOf, type Namespace, planInput, planned, provision, withDefinitions } from '../topology/builders.ts';
import { meaningfulEdit, respelled, topology } from './topologies.ts';

// A busy machine may take its time over hundreds of runs.
vi.setConfig({ testTimeout: 60_000 });

/** What must be cloned with what, told again by the definitions alone and by brute force: rounds until nothing is added. */
function leastClosed(definitions: readonly Definition[], start: Iterable<NodeKey>, alsoNeeds: (key: NodeKey) => boolean = () => false): ReadonlySet<NodeKey> {
  const members = new Set(start);
  const isOwned = (name: string): boolean =>
    definitions.some((definition) => definition.kind === 'Stream' && definition.name === name && definition.spec.external === undefined);
  for (let before = -1; before < members.size; ) {
    before = members.size;
    for (const definition of definitions) {
      if (definition.kind === 'Pipeline') {
        const { inputs, output } = definition.outline;
        if (members.has(keyOf(definition))) members.add(`Stream/${output}`);
        if (members.has(`Stream/${output}`) || inputs.some((input) => isOwned(input) && members.has(`Stream/${input}`))) members.add(keyOf(definition));
        if (members.has(keyOf(definition))) for (const input of inputs) if (isOwned(input) && alsoNeeds(`Stream/${input}`)) members.add(`Stream/${input}`);
      }
      if (definition.kind === 'Connection') {
        const { stream } = definition.spec;
        if (isOwned(stream) && members.has(`Stream/${stream}`)) members.add(keyOf(definition));
        if (members.has(keyOf(definition)) && isOwned(stream) && alsoNeeds(`Stream/${stream}`)) members.add(`Stream/${stream}`);
      }
    }
  }
  return members;
}

const sorted = (keys: Iterable<NodeKey>): readonly NodeKey[] => [...keys].sort();
const owned = (graph: Graph): readonly NodeKey[] => graph.order.filter((key) => !key.startsWith('Stream/in'));
const seed = fc.nat(1_000_000);

const liveIn = ({ revisions, aliases }: Namespace) => liveRevisions(revisions, aliases);

function install(definitions: readonly Definition[]): Namespace {
  const plan = planned(planInput(emptyNamespace, new Map(), definitions));
  return flip(provision(emptyNamespace, plan), plan);
}
const migration = (namespace: Namespace, definitions: readonly Definition[], parts: Partial<PlanInput> = {}) =>
  planInput(namespace, liveIn(namespace), definitions, parts);

describe('the graph', () => {
  test('of a sound topology has no problems, and an order in which everything comes after what is above it', () => {
    fc.assert(
      fc.property(topology, (definitions) => {
        const { graph, problems } = buildGraph(definitions);
        expect(problems).toEqual([]);
        expect(sorted(graph.order)).toEqual(sorted(graph.nodes.keys()));
        const place = new Map(graph.order.map((key, index) => [key, index]));
        for (const key of graph.order) for (const above of graph.above(key)) expect(place.get(above)).toBeLessThan(place.get(key) as number);
      }),
    );
  });
});

describe('the closure', () => {
  test('is complete and minimal: exactly the smallest set that the rules allow', () => {
    fc.assert(
      fc.property(topology, fc.array(seed, { maxLength: 3 }), (definitions, seeds) => {
        const graph = graphOf(definitions);
        const changed = seeds.map((at) => graph.order[at % graph.order.length] as NodeKey);
        expect(sorted(closure(graph, changed))).toEqual(sorted(leastClosed(definitions, changed)));
      }),
    );
  });

  test('of two changes together is that of one and that of the other, and nothing is added the second time', () => {
    fc.assert(
      fc.property(topology, seed, seed, (definitions, one, other) => {
        const graph = graphOf(definitions);
        const [a, b] = [graph.order[one % graph.order.length] as NodeKey, graph.order[other % graph.order.length] as NodeKey];
        const both = closure(graph, [a, b]);
        expect(sorted(both)).toEqual(sorted(new Set([...closure(graph, [a]), ...closure(graph, [b])])));
        expect(sorted(closure(graph, both))).toEqual(sorted(both));
      }),
    );
  });
});

describe('fingerprints', () => {
  test('do not depend on order, comments or written-out defaults', () => {
    fc.assert(
      fc.property(
        topology.chain((definitions) => fc.tuple(fc.constant(definitions), respelled(definitions))),
        ([definitions, otherwise]) => {
          expect(new Map([...fingerprints(graphOf(otherwise))].sort())).toEqual(new Map([...fingerprints(graphOf(definitions))].sort()));
        },
      ),
    );
  });

  test('change for what was edited, for everything below it, and for nothing outside its closure', () => {
    fc.assert(
      fc.property(topology, seed, (definitions, at) => {
        const edit = meaningfulEdit(definitions, at, 1);
        const graph = graphOf(definitions);
        const [before, after] = [fingerprints(graph), fingerprints(graphOf(edit.definitions))];
        const differing = new Set(graph.order.filter((key) => before.get(key) !== after.get(key)));
        const members = closure(graph, [edit.at]);
        for (const key of differing) expect(members).toContain(key);
        for (const key of reach([edit.at], (key) => graph.below(key))) expect(differing).toContain(key);
      }),
    );
  });

  test('below an external stream change with a new column only where all columns are read', () => {
    fc.assert(
      fc.property(topology, (definitions) => {
        const wider = withDefinitions(definitions, external('in0', { id: 'STRING', a: 'INT', b: 'INT', added: 'INT' }));
        const graph = graphOf(definitions);
        const [before, after] = [fingerprints(graph), fingerprints(graphOf(wider))];
        const readsAll = graph.below('Stream/in0').filter((key) => {
          const reader = graph.nodes.get(key);
          return reader?.kind === 'Connection' || (reader?.kind === 'Pipeline' && reader.outline.columns.get('in0') === undefined);
        });
        const expected = new Set<NodeKey>(['Stream/in0', ...reach(readsAll, (key) => graph.below(key))]);
        expect(sorted(graph.order.filter((key) => before.get(key) !== after.get(key)))).toEqual(sorted(expected));
      }),
    );
  });
});

describe('a plan', () => {
  test('is the same for the same facts in any order', () => {
    fc.assert(
      fc.property(
        topology.chain((definitions) => fc.tuple(fc.constant(definitions), fc.shuffledSubarray([...definitions], { minLength: definitions.length }))),
        seed,
        ([definitions, shuffled], at) => {
          const namespace = install(definitions);
          const edit = meaningfulEdit(definitions, at, 1);
          const again = withDefinitions(shuffled, edit.definitions.find((definition) => keyOf(definition) === edit.at) as Definition);
          const reversed = { ...namespace, revisions: [...namespace.revisions].reverse() };
          expect(planRevisions(migration(reversed, again))).toEqual(planRevisions(migration(namespace, edit.definitions)));
        },
      ),
    );
  });

  test('clones exactly what changed, what must come along, and what cannot be shared for want of history', () => {
    fc.assert(
      fc.property(topology, seed, fc.array(seed, { maxLength: 4 }), (definitions, at, losses) => {
        const namespace = install(definitions);
        const edit = meaningfulEdit(definitions, at, 1);
        const ownedStreams = owned(graphOf(definitions)).filter((key) => key.startsWith('Stream/'));
        const lost = new Set(losses.map((index) => ownedStreams[index % ownedStreams.length] as NodeKey));
        const plan = planned(migration(namespace, edit.definitions, { covers: ({ spec }) => !lost.has(keyOf(spec.of)) }));
        const cloned = [...actionsOf(plan)].filter(([, action]) => action === 'Clone').map(([key]) => key);
        expect(sorted(cloned)).toEqual(sorted(leastClosed(definitions, [edit.at], (key) => lost.has(key))));
      }),
    );
  });

  test('joins every new Revision only to Revisions that are new in it or live', () => {
    fc.assert(
      fc.property(topology, seed, (definitions, at) => {
        const namespace = install(definitions);
        const plan = planned(migration(namespace, meaningfulEdit(definitions, at, 1).definitions));
        const known = new Map([
          ...namespace.revisions.map(({ metadata, spec }) => [metadata.name, spec] as const),
          ...plan.revisions.map(({ name, spec }) => [name, spec] as const),
        ]);
        const made = new Set(plan.revisions.map(({ name }) => name));
        const topics = plan.revisions.flatMap(({ spec }) => spec.physical.topic ?? []);
        expect(new Set(topics).size).toBe(topics.length);
        for (const { spec } of plan.revisions) {
          for (const input of spec.inputs) expect(known.has(input)).toBe(true);
          for (const { revision, topic } of spec.pipeline?.reads ?? []) expect(known.get(revision)?.physical.topic).toBe(topic);
          // A new stage never writes into a topic that blue's readers see.
          if (spec.pipeline) expect(made).toContain(spec.pipeline.writes.revision);
        }
      }),
    );
  });
});

describe('a migration carried out', () => {
  /** Exactly one sink Revision of each alias is live, and what it reads is live with it. */
  function expectOneLiveTarget(namespace: Namespace, references: Parameters<typeof roles>[0]['references'] = []): void {
    const found = roles({ revisions: namespace.revisions, live: liveIn(namespace), references });
    expect(found.size).toBe(namespace.revisions.length);
    const byName = new Map(namespace.revisions.map((revision) => [revision.metadata.name, revision]));
    for (const [alias, targets] of namespace.aliases) {
      const live = namespace.revisions.filter(({ spec, metadata }) => spec.connection?.destination.alias === alias && found.get(metadata.name) === 'live');
      expect(live.map(({ spec }) => spec.physical.index)).toEqual(targets.map(({ index }) => index));
    }
    for (const [name, role] of found) if (role === 'live') for (const input of byName.get(name)?.spec.inputs ?? []) expect(found.get(input)).toBe('live');
  }

  test('leaves blue live until the aliases move, makes what is wanted live with them, and then has nothing to do', () => {
    fc.assert(
      fc.property(topology, fc.array(seed, { minLength: 1, maxLength: 4 }), (definitions, edits) => {
        let wanted = definitions;
        let namespace = install(definitions);
        expect(planRevisions(migration(namespace, wanted))).toHaveProperty('nothingToDo');
        for (const [stamp, at] of edits.entries()) {
          const edit = meaningfulEdit(wanted, at, stamp + 1);
          wanted = edit.definitions;
          const before = liveIn(namespace);
          const plan = planned(migration(namespace, wanted, { named: [edit.at], migration: `m${stamp}` }));
          namespace = provision(namespace, plan);
          expect(liveIn(namespace)).toEqual(before);
          namespace = flip(namespace, plan);
          const graph = graphOf(wanted);
          const fingerprint = fingerprints(graph);
          const live = liveIn(namespace);
          for (const key of owned(graph)) expect(live.get(key)?.spec.fingerprint).toBe(fingerprint.get(key));
          expect(planRevisions(migration(namespace, wanted))).toHaveProperty('nothingToDo');
        }
      }),
    );
  });

  test('leaves each alias with exactly one live target at every moment, whatever migrations hold', () => {
    fc.assert(
      fc.property(topology, seed, fc.array(fc.tuple(seed, fc.constantFrom('green' as const, 'blue' as const)), { maxLength: 4 }), (definitions, at, held) => {
        const first = install(definitions);
        const plan = planned(migration(first, meaningfulEdit(definitions, at, 1).definitions));
        const provisioned = provision(first, plan);
        const flipped = flip(provisioned, plan);
        const rolledBack = { ...flipped, aliases: first.aliases };
        const references = held.map(([index, as]) => ({ revision: provisioned.revisions[index % provisioned.revisions.length]?.metadata.name ?? '', as }));
        for (const moment of [first, provisioned, flipped, rolledBack]) expectOneLiveTarget(moment, references);
      }),
    );
  });

  test('and taken back in its soak flips back to exactly the Revisions of before', () => {
    fc.assert(
      fc.property(topology, seed, (definitions, at) => {
        const first = install(definitions);
        const edit = meaningfulEdit(definitions, at, 1);
        const forward = planned(migration(first, edit.definitions, { named: [edit.at] }));
        const flipped = flip(provision(first, forward), forward);
        const retired = forward.steps.flatMap(({ action, from }) =>
          action === 'Clone' ? first.revisions.filter(({ metadata }) => metadata.name === from) : [],
        );
        const back = planned(migration(flipped, definitions, { named: [edit.at], retired }));
        expect(back.revisions).toEqual([]);
        expect(back.steps.filter(({ action }) => action === 'FlipBack').map(({ to }) => to)).toEqual(
          forward.steps.filter(({ action }) => action === 'Clone').map(({ from }) => from),
        );
        expect(flip(flipped, back).aliases).toEqual(first.aliases);
      }),
    );
  });
});
