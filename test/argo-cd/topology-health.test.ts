import { describe, expect, test } from 'vitest';
import { apiVersion } from '../../src/api/common.ts';
import { GrueError } from '../../src/api/errors.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { LogicalResource, TopologyFacts } from '../../src/reconcilers/facts.ts';
import { planInstallation } from '../../src/reconcilers/topology/install.ts';
import { type ReportContext, reportOf } from '../../src/reconcilers/topology/report.ts';
import { buildGraph, type Definition, keyOf, type NodeKey } from '../../src/topology/graph.ts';
import { liveRevisions } from '../../src/topology/live.ts';
import { emptyNamespace, flights, flip, type Namespace, pipeline, planInput, planned, provision, stream, withDefinitions } from '../topology/builders.ts';
import { customisation, type Health } from './argo-cd.ts';

const argoCd = await customisation();
const now = Date.parse('2026-11-21T12:00:00Z');

/** The topology of the first page, live. */
const installed: Namespace = (() => {
  const plan = planned(planInput(emptyNamespace, new Map(), flights));
  return flip(provision(emptyNamespace, plan), plan);
})();

interface Shape {
  readonly definitions?: readonly Definition[];
  readonly namespace?: Namespace;
  readonly ready?: { readonly status: 'True' | 'False' | 'Unknown'; readonly reason: string; readonly message: string };
  readonly facts?: Partial<TopologyFacts>;
  readonly context?: Partial<ReportContext>;
}

const runs = { status: 'True', reason: 'Running', message: 'runs' } as const;

/** What the operator makes of a topology, and Argo CD of that. */
function health(key: NodeKey, { definitions = flights, namespace = installed, ready = runs, facts: more, context }: Shape = {}): Health {
  const condition = { type: 'Ready', ...ready, lastTransitionTime: '2026-11-21T11:00:00Z' };
  const revisions = namespace.revisions.map((one): Revision => ({ ...one, status: { ...one.status, conditions: [condition] } }));
  const live = liveRevisions(revisions, namespace.aliases);
  const resources = new Map(
    definitions.map(({ kind, name, spec }) => [
      `${kind}/${name}` as NodeKey,
      {
        apiVersion,
        kind,
        metadata: { name, namespace: 'flights', uid: name, resourceVersion: '1', generation: 3, creationTimestamp: '2026-11-21T11:00:00Z' },
        spec,
      } as LogicalResource,
    ]),
  );
  const facts = {
    resources,
    revisions,
    live,
    definitions: new Map(definitions.map((definition) => [keyOf(definition), definition])),
    liveDefinitions: new Map(flights.filter((definition) => live.has(keyOf(definition))).map((definition) => [keyOf(definition), definition])),
    graph: buildGraph(definitions).graph,
    problems: new Map(),
    roles: new Map(),
    platforms: new Map(),
    roots: new Map(),
    ...more,
  } as unknown as TopologyFacts;
  const installation = planInstallation(facts, () => 60_000);
  const status = reportOf(key, facts, { installation, failure: undefined, fingerprint: undefined, rejected: new Map(), disturbed: new Map(), now, ...context });
  return argoCd.health({ ...resources.get(key), status });
}

const says = (text: string) => expect.stringContaining(text);
const problem = (code: ConstructorParameters<typeof GrueError>[0], key: NodeKey) => ({ problems: new Map([[key, [new GrueError(code, 'it is so')]]]) });
const edited = withDefinitions(flights, pipeline('delays', { from: { flights: ['date', 'delay'] }, to: 'delays', does: 'date, delay / 3600.0 AS hours' }));
const changedInline = (digest: string): Namespace => ({
  ...installed,
  revisions: installed.revisions.map((one) => (one.spec.of.kind === 'Pipeline' ? { ...one, spec: { ...one.spec, accepted: digest } } : one)),
});

describe('a resource that is live', () => {
  test('is Healthy, and its Revision is named', () => {
    expect(health('Pipeline/delays')).toEqual({ status: 'Healthy', message: 'pipeline-delays-1: runs' });
  });
  test('stays Healthy when its edit waits for a migration: anything else would keep a sync from the wave of the migration', () => {
    expect(health('Pipeline/delays', { definitions: edited })).toEqual({ status: 'Healthy', message: says('Pending: the spec differs') });
  });
  test('stays Healthy when a migration has changed it and Git does not know yet', () => {
    const { accepted } = planned(planInput(emptyNamespace, new Map(), edited)).revisions.find(({ spec }) => spec.of.kind === 'Pipeline')?.spec ?? {
      accepted: '',
    };
    expect(health('Pipeline/delays', { definitions: edited, namespace: changedInline(accepted) })).toEqual({ status: 'Healthy', message: says('LiveAhead') });
  });
  test('stays Healthy when its edit conflicts with a change that is live', () => {
    expect(health('Pipeline/delays', { definitions: edited, namespace: changedInline('another') })).toEqual({ status: 'Healthy', message: says('Conflict') });
  });
  test('stays Healthy when a migration has given its edit up', () => {
    const rejected = new Map([['Pipeline/delays' as NodeKey, [{ fingerprint: 'v1:edited', migration: 'delays-in-hours', reason: 'aborted', time: '' }]]]);
    const given = { definitions: edited, context: { fingerprint: 'v1:edited', rejected: rejected as ReportContext['rejected'] } };
    expect(health('Pipeline/delays', given)).toEqual({ status: 'Healthy', message: says('Rejected') });
  });
  test('is Degraded when its edit is wrong', () => {
    expect(health('Pipeline/delays', { facts: problem('GRUE-SQL-003', 'Pipeline/delays') })).toEqual({ status: 'Degraded', message: says('GRUE_SQL_003') });
  });
  test('is Degraded when its edit needs something that is not there: a sync that waited for it would keep out the commit that brings it', () => {
    expect(health('Pipeline/delays', { facts: problem('GRUE-API-002', 'Pipeline/delays') })).toEqual({ status: 'Degraded', message: says('GRUE_API_002') });
  });
  test('is Degraded when its Revision has failed, or somebody has moved its alias', () => {
    const ready = { status: 'False', reason: 'OriginChanged', message: 'another topic' } as const;
    expect(health('Pipeline/delays', { ready })).toEqual({ status: 'Degraded', message: 'OriginChanged: another topic' });
    const disturbed = new Map([['Connection/delays-index' as NodeKey, new GrueError('GRUE-ES-004', 'moved')]]);
    expect(health('Connection/delays-index', { context: { disturbed } })).toEqual({ status: 'Degraded', message: says('GRUE_ES_004') });
  });
  test('is Progressing while nobody can ask its servers', () => {
    expect(health('Stream/delays', { ready: { status: 'Unknown', reason: 'PlatformUnavailable', message: 'no answer' } }).status).toBe('Progressing');
  });
});

describe('a resource that has never been live', () => {
  const nothing = { namespace: emptyNamespace };
  test('is Progressing while it is being started', () => {
    expect(health('Connection/delays-index', nothing)).toEqual({ status: 'Progressing', message: says('Installing') });
  });
  test('is Degraded while something wrong with another one is in its way', () => {
    const facts = problem('GRUE-SQL-003', 'Pipeline/delays');
    expect(health('Connection/delays-index', { ...nothing, facts })).toEqual({ status: 'Degraded', message: says('Blocked: Pipeline/delays') });
  });
  test('is Degraded when it cannot be made', () => {
    const context = { failure: new GrueError('GRUE-KFK-002', 'a topic of that name exists') };
    expect(health('Stream/delays', { ...nothing, context })).toEqual({ status: 'Degraded', message: says('GRUE_KFK_002') });
  });
  test('is Degraded when its alias belongs to somebody else', () => {
    expect(health('Connection/delays-index', { ...nothing, facts: problem('GRUE-ES-003', 'Connection/delays-index') }).status).toBe('Degraded');
  });
  test('is Healthy when only a migration can start it, because what it leads to is live: else a sync would never come to that migration', () => {
    const definitions = withDefinitions(
      flights,
      stream('early'),
      pipeline('early', { from: 'flights', to: 'early' }),
      pipeline('delays', { from: 'early', to: 'delays' }),
    );
    for (const key of ['Stream/early', 'Pipeline/early'] as const)
      expect(health(key, { definitions })).toEqual({ status: 'Healthy', message: says('Pending: what it leads to') });
    expect(health('Stream/early', { definitions, namespace: emptyNamespace })).toEqual({ status: 'Progressing', message: says('Installing') });
  });
  test('is Healthy without a sink: there is nothing to start', () => {
    const definitions = [...flights, stream('unread')];
    expect(health('Stream/unread', { definitions })).toEqual({ status: 'Healthy', message: says('NoSink') });
  });
});

test.each(['Stream', 'Pipeline', 'Connection', 'Platform', 'Revision'])('a %s that the operator has not seen since it was edited is Progressing', (kind) => {
  const ready = { type: 'Ready', status: 'False', reason: 'GRUE_PLT_002', message: '' };
  const object = { kind, metadata: { name: 'delays', generation: 2 }, status: { observedGeneration: 1, conditions: [ready] } };
  expect(argoCd.health(object).status).toBe('Progressing');
  expect(argoCd.health({ ...object, status: { ...object.status, observedGeneration: 2 } }).status).toBe('Degraded');
  expect(argoCd.health({ ...object, status: undefined }).status).toBe('Progressing');
});
