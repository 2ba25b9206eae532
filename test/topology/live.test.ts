import { describe, expect, test } from 'vitest';
import type { Definition } from '../../src/topology/graph.ts';
import { liveRevisions, roles } from '../../src/topology/live.ts';
import { emptyNamespace, external, flights, flip, type Namespace, pipeline, planInput, planned, provision, sink, stream, withDefinitions } from './builders.ts';

const liveNames = ({ revisions, aliases }: Namespace): readonly string[] =>
  [...liveRevisions(revisions, aliases).values()].map(({ metadata }) => metadata.name).sort();

function carriedOut(
  namespace: Namespace,
  definitions: readonly Definition[],
  migration: string,
): { readonly provisioned: Namespace; readonly flipped: Namespace } {
  const plan = planned(planInput(namespace, liveRevisions(namespace.revisions, namespace.aliases), definitions, { migration }));
  const provisioned = provision(namespace, plan);
  return { provisioned, flipped: flip(provisioned, plan) };
}

const { provisioned: installing, flipped: first } = carriedOut(emptyNamespace, flights, '');
const { provisioned: green, flipped: second } = carriedOut(
  first,
  withDefinitions(flights, pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'other' })),
  'm',
);

describe('live', () => {
  test('is nothing before the alias is bound', () => {
    expect(liveNames(installing)).toEqual([]);
  });

  test('is the Revision whose index the alias holds, and all that it reads', () => {
    expect(liveNames(first)).toEqual(['connection-delays-index-1', 'pipeline-delays-1', 'stream-delays-1', 'stream-flights-1']);
  });

  test('stays blue while green is only there', () => {
    expect(liveNames(green)).toEqual(liveNames(first));
  });

  test('is green with the one alias call, without a write to any object', () => {
    expect(liveNames(second)).toEqual(['connection-delays-index-2', 'pipeline-delays-2', 'stream-delays-2', 'stream-flights-1']);
  });

  test('does not take an index of the same name for ours when its uuid is another', () => {
    const aliases = new Map([...first.aliases].map(([alias, targets]) => [alias, targets.map(({ index }) => ({ index, uuid: 'another' }))]));
    expect(liveNames({ ...first, aliases })).toEqual([]);
  });

  test('does not take an index for live whose uuid was never recorded', () => {
    const revisions = first.revisions.map(({ status: _, ...revision }) => revision);
    expect(liveNames({ ...first, revisions })).toEqual([]);
  });

  test('of an external stream is the newest of those that are read', () => {
    const two = [external('in'), sink('one', 'in'), sink('two', 'in')];
    const { flipped } = carriedOut(emptyNamespace, two, '');
    const wider = withDefinitions(
      two,
      external('in', { id: 'STRING', extra: 'INT' }),
      sink('two', 'in', { destination: { alias: 'two', settings: { number_of_shards: 2 } } }),
    );
    const plan = planned(planInput(flipped, liveRevisions(flipped.revisions, flipped.aliases), wider, { named: ['Connection/two'] }));
    expect(liveNames(flip(provision(flipped, plan), plan))).toEqual(['connection-one-1', 'connection-two-2', 'stream-in-2']);
  });
});

describe('a branch without a sink', () => {
  const branched = [...flights, pipeline('copy', { from: 'delays', to: 'copies' }), stream('copies')];
  const { flipped } = carriedOut(emptyNamespace, branched, '');
  const changed = withDefinitions(branched, pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'other' }));
  const migrated = carriedOut(flipped, changed, 'm');

  test('is live with what it reads', () => {
    expect(liveNames(flipped)).toContain('stream-copies-1');
  });

  test('stays blue until the migration has flipped, and is green then', () => {
    expect(liveNames(migrated.provisioned)).toContain('stream-copies-1');
    expect(liveNames(migrated.provisioned)).not.toContain('stream-copies-2');
    expect(liveNames(migrated.flipped)).toContain('stream-copies-2');
  });

  test('is blue again after the flip back', () => {
    expect(liveNames({ ...migrated.flipped, aliases: flipped.aliases })).toContain('stream-copies-1');
  });

  test('stays with the migration that made it when a later one clones the sink alone', () => {
    const mapped = withDefinitions(changed, sink('delays-index', 'delays', { destination: { alias: 'delays', settings: { number_of_shards: 2 } } }));
    const later = carriedOut(migrated.flipped, mapped, 'later').flipped;
    expect(liveNames(later)).toEqual(expect.arrayContaining(['connection-delays-index-3', 'stream-copies-2']));
  });

  test('is blue while green is made, before its sinks are there to tell that it has not flipped', () => {
    const partly = {
      ...migrated.provisioned,
      revisions: migrated.provisioned.revisions.filter(({ spec }) => spec.of.kind !== 'Connection' || spec.number === 1),
    };
    expect(liveNames(partly)).toContain('stream-copies-1');
  });

  test('is not a pipeline whose stream readers have anew, from a pipeline of another name', () => {
    const renamed = [...flights.filter(({ kind }) => kind !== 'Pipeline'), pipeline('successor', { from: 'flights', to: 'delays' })];
    const { flipped: after } = carriedOut(first, renamed, 'succession');
    const revisions = after.revisions.filter(({ metadata }) => !['connection-delays-index-1', 'stream-delays-1'].includes(metadata.name));
    expect(liveNames(after)).toEqual(['connection-delays-index-2', 'pipeline-successor-1', 'stream-delays-2', 'stream-flights-1']);
    expect(liveNames({ ...after, revisions })).toEqual(liveNames(after));
  });

  test('is live all alone', () => {
    const { provisioned } = carriedOut(emptyNamespace, flights.slice(0, 3), '');
    expect(liveNames(provisioned)).toEqual(['pipeline-delays-1', 'stream-delays-1', 'stream-flights-1']);
  });
});

describe('roles', () => {
  const roleOf = (namespace: Namespace, references: Parameters<typeof roles>[0]['references']) =>
    Object.fromEntries(roles({ revisions: namespace.revisions, live: liveRevisions(namespace.revisions, namespace.aliases), references }));

  test('green is what a migration holds, and what is read by both stays live', () => {
    expect(roleOf(green, [{ revision: 'connection-delays-index-2', as: 'green' }])).toEqual({
      'stream-flights-1': 'live',
      'pipeline-delays-1': 'live',
      'stream-delays-1': 'live',
      'connection-delays-index-1': 'live',
      'pipeline-delays-2': 'green',
      'stream-delays-2': 'green',
      'connection-delays-index-2': 'green',
    });
  });

  test('after the flip green is live and what was live is blue, as long as somebody holds it', () => {
    expect(roleOf(second, [{ revision: 'connection-delays-index-1', as: 'blue' }])).toMatchObject({
      'stream-flights-1': 'live',
      'stream-delays-1': 'blue',
      'pipeline-delays-2': 'live',
    });
    expect(roleOf(second, [])).toMatchObject({ 'stream-flights-1': 'live', 'stream-delays-1': 'retired', 'pipeline-delays-2': 'live' });
  });

  test('live goes before green, and green before blue', () => {
    const both = (revision: string) => [
      { revision, as: 'green' as const },
      { revision, as: 'blue' as const },
    ];
    expect(roleOf(second, [...both('connection-delays-index-1'), ...both('connection-delays-index-2')])).toMatchObject({
      'connection-delays-index-1': 'green',
      'connection-delays-index-2': 'live',
    });
  });

  test('a reference to a Revision that is gone says nothing', () => {
    expect(roleOf(first, [{ revision: 'gone', as: 'blue' }])).toMatchObject({ 'stream-delays-1': 'live' });
  });
});
