import type { Revision, RevisionStatus } from '../../../src/api/revision.ts';
import type { MigrationSpec, MigrationStatus, PlannedStep, StreamMigration } from '../../../src/api/stream-migration.ts';
import { migrationSpec } from '../../../src/api/stream-migration.ts';
import type { Snapshot } from '../../../src/reconcilers/migration/snapshot.ts';

export const now = Date.parse('2026-11-21T12:00:00Z');
export const at = (secondsAgo: number): string => new Date(now - secondsAgo * 1_000).toISOString();

export const uuid = { blue: 'uuid-of-blue', green: 'uuid-of-green' } as const;
export const index = { blue: 'grue.flights.delays-index.1-aaaaaa', green: 'grue.flights.delays-index.2-bbbbbb' } as const;

const step = (kind: PlannedStep['of']['kind'], name: string, action: PlannedStep['action'], number: number): PlannedStep => ({
  of: { kind, name },
  from: `${kind.toLowerCase()}-${name}-1`,
  to: `${kind.toLowerCase()}-${name}-${number}`,
  action,
  fingerprint: `v1:${kind}/${name}/${number}`,
  why: 'for the test',
});

export const steps: readonly PlannedStep[] = [
  step('Stream', 'flights', 'Share', 1),
  step('Pipeline', 'delays', 'Clone', 2),
  step('Stream', 'delays', 'Clone', 2),
  step('Connection', 'delays-index', 'Clone', 2),
];

export const thePlan = { hash: 'hash-of-the-plan', steps: [...steps], time: at(60) };

const fields = [{ name: 'number', type: 'BIGINT' }];
const binding = (stream: string, number: number) => ({
  stream,
  revision: `stream-${stream}-${number}`,
  topic: `${stream}-${number}`,
  root: stream === 'flights',
  epoch: 0,
  type: 'Append' as const,
  fields,
});

/** A Revision as the operator would have made it. */
export function revision(
  kind: 'Stream' | 'Pipeline' | 'Connection',
  name: string,
  number: number,
  status: RevisionStatus = { state: 'Running', wanted: 'Running' },
): Revision {
  const revisionName = `${kind.toLowerCase()}-${name}-${number}`;
  const colour = number === 1 ? 'blue' : 'green';
  const part =
    kind === 'Stream'
      ? { stream: { type: 'Append' as const, fields, partitions: 3, external: name === 'flights' }, physical: { topic: `${name}-${number}` } }
      : kind === 'Pipeline'
        ? {
            pipeline: { engine: 'embedded' as const, sql: '', reads: [binding('flights', 1)], writes: binding('delays', number), path: '' },
            physical: { group: revisionName, deadLetters: `${revisionName}.dead-letters` },
          }
        : {
            connection: { connector: 'elasticsearch' as const, destination: { alias: 'delays' }, keepVersions: 1, reads: binding('delays', number) },
            physical: { group: revisionName, index: index[colour], deadLetters: `${revisionName}.dead-letters` },
          };
  const inputs = { Stream: name === 'flights' ? [] : [`pipeline-delays-${number}`], Pipeline: ['stream-flights-1'], Connection: [`stream-delays-${number}`] }[
    kind
  ];
  return {
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'Revision',
    metadata: { name: revisionName, namespace: 'flights', uid: `uid-of-${revisionName}`, resourceVersion: '1', generation: 1, creationTimestamp: at(600) },
    spec: {
      of: { kind, name },
      number,
      fingerprint: `v1:${kind}/${name}/${number}`,
      accepted: 'digest',
      migration: number === 1 ? '' : 'delays-in-hours',
      platform: { name: 'default', kafkaClusterId: 'kafka', elasticsearchUuid: 'search' },
      inputs,
      ...part,
    },
    status: { ...status, ...(kind === 'Connection' ? { uuids: { index: uuid[colour] } } : {}) },
  };
}

export const blue = [
  revision('Stream', 'flights', 1),
  revision('Pipeline', 'delays', 1),
  revision('Stream', 'delays', 1),
  revision('Connection', 'delays-index', 1),
];
export const green = [revision('Pipeline', 'delays', 2), revision('Stream', 'delays', 2), revision('Connection', 'delays-index', 2)];
export const named = (revisions: readonly Revision[]): ReadonlyMap<string, Revision> => new Map(revisions.map((one) => [one.metadata.name, one]));

export interface Shape {
  readonly spec?: Partial<MigrationSpec>;
  readonly status?: MigrationStatus;
  readonly deleted?: boolean;
  readonly unprotected?: boolean;
  readonly facts?: Partial<Snapshot>;
}

/** A snapshot of a migration of `Pipeline/delays`; what is not said is as on a good day. */
export function snapshot({ spec, status = {}, deleted, unprotected, facts }: Shape = {}): Snapshot {
  const migration: StreamMigration = {
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'StreamMigration',
    metadata: {
      name: 'delays-in-hours',
      namespace: 'flights',
      uid: 'uid-of-the-migration',
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: at(120),
      ...(deleted ? { deletionTimestamp: at(1) } : {}),
      ...(unprotected ? {} : { finalizers: ['grue.dev/migration'] }),
    },
    spec: { ...migrationSpec.parse({ resources: [{ kind: 'Pipeline', name: 'delays' }] }), ...spec },
    status,
  };
  return {
    migration,
    status,
    now,
    request: undefined,
    unsettled: [],
    rivals: [],
    newer: undefined,
    proposal: undefined,
    revisions: named(blue),
    aliases: new Map([['delays', [{ index: index.blue, uuid: uuid.blue }]]]),
    progress: undefined,
    flippedMilliseconds: 60_000,
    unreachable: undefined,
    soak: undefined,
    namespaceEnds: false,
    unremembered: false,
    blockedMilliseconds: 0,
    letGoMilliseconds: 600_000,
    ...facts,
  };
}

const offsets = (value: bigint) => [value, value, value];
const map = <V>(entries: readonly (readonly [string, V])[]): ReadonlyMap<string, V> => new Map(entries);

/** Positions of both colours: the ends of the topics are at 100, and each stage is as far as it is said. */
export function progress(
  position: { readonly blue?: bigint; readonly pipeline?: bigint; readonly sink?: bigint; readonly unhealthy?: readonly string[] } = {},
): NonNullable<Snapshot['progress']> {
  const { blue: blueAt = 100n, pipeline = 100n, sink = 100n, unhealthy = [] } = position;
  const stage = (name: string, reads: string, committed: bigint, writes?: string) => ({
    revision: name,
    reads: [reads],
    ...(writes ? { writes } : {}),
    committed: map([[reads, offsets(committed)]]),
  });
  const topics = ['flights-1', 'delays-1', 'delays-2'];
  const ends = map(topics.map((topic) => [topic, offsets(100n)] as const));
  return {
    fenceInput: {
      stages: [
        stage('pipeline-delays-1', 'flights-1', blueAt, 'delays-1'),
        stage('connection-delays-index-1', 'delays-1', blueAt),
        stage('pipeline-delays-2', 'flights-1', pipeline, 'delays-2'),
        stage('connection-delays-index-2', 'delays-2', sink),
      ],
      roots: ['flights-1'],
      sinkInputs: ['delays-1', 'delays-2'],
      topicIds: map(topics.map((topic) => [topic, `id-of-${topic}`] as const)),
      highWatermark: ends,
      lastStable: ends,
      logStart: map(topics.map((topic) => [topic, offsets(0n)] as const)),
    },
    lag: 300n - pipeline * 3n + (300n - sink * 3n),
    rate: 100,
    eta: 0,
    unhealthy,
  };
}

export const fenceAt100 = {
  id: 1,
  time: at(5),
  offsets: ['flights-1', 'delays-1', 'delays-2'].map((topic) => ({
    topic,
    topicId: `id-of-${topic}`,
    at: '100,100,100',
    ...(topic === 'flights-1' ? {} : { low: '90,90,90' }),
  })),
};

export const gate = (outcome: 'Pass' | 'Fail' | 'Inconclusive', fence = 1, secondsAgo = 2) => ({
  name: 'Parity',
  outcome,
  observed: 'delays: 300 and 300',
  bound: 'equal',
  fence,
  time: at(secondsAgo),
});

export const verified: MigrationStatus = { plan: thePlan, fence: fenceAt100, gates: [gate('Pass')], fencesPassed: 2 };

export const intent = [{ alias: 'delays', from: { index: index.blue, uuid: uuid.blue }, to: { index: index.green, uuid: uuid.green } }];
export const onGreen = new Map([['delays', [{ index: index.green, uuid: uuid.green }]]]);
export const flipped: MigrationStatus = {
  ...verified,
  flip: { direction: 'Forward', intent, intendedAt: at(61), result: 'Moved', movedAt: at(60), milliseconds: 12 },
};

export const bothColours = named([...blue, ...green]);
export const running = { revisions: bothColours, progress: progress() };
export const proposal = { plan: { hash: thePlan.hash, steps, revisions: [] } };
