import type { Revision } from '../src/api/revision.ts';
import type { IndexSpec, KafkaCluster, SearchCluster } from '../src/drivers/ports.ts';
import type { ServerSettings } from '../src/platform/settings.ts';
import { indexDefinition } from '../src/topology/index-definition.ts';
import { flightFields } from './flights.ts';

/** The two stages of the page-one topology: flights -> SQL -> delays -> index. */
export type Stage =
  | { readonly kind: 'pipeline'; readonly from: string; readonly to: string }
  | { readonly kind: 'sink'; readonly from: string; readonly index: string };

export interface StageServers {
  readonly settings: ServerSettings;
  readonly kafka: KafkaCluster;
  readonly search: SearchCluster;
}

const delayFields = flightFields.map(({ name, type }) => (name === 'delay' ? { name: 'hours', type: 'DOUBLE' } : { name, type }));
const sql = 'INSERT INTO delays SELECT date, delay / 60.0 AS hours, distance, origin, destination, carrier, n FROM flights WHERE delay > 15';

const flights = (topic: string) => ({
  stream: 'flights',
  revision: 'stream-flights-1',
  topic,
  root: true,
  epoch: 0,
  type: 'Append' as const,
  fields: flightFields,
});
const delays = (topic: string) => ({
  stream: 'delays',
  revision: 'stream-delays-1',
  topic,
  root: false,
  epoch: 0,
  type: 'Append' as const,
  fields: delayFields,
});

/** What the operator does before a stage starts: a group that starts at the beginning, and a topic for dead letters. @returns the Revision */
export async function prepareStage(stage: Stage, run: string, { kafka, search }: StageServers, signal: AbortSignal): Promise<Revision> {
  const group = `bench.${run}`;
  const deadLetters = `bench.${run}.dead-letters`;
  await kafka.createTopic({ name: deadLetters, partitions: 1, config: { 'cleanup.policy': 'compact' } }, signal);
  const start = (await kafka.offsets([stage.from], 'Earliest', signal)).get(stage.from) ?? [];
  await kafka.commitStart(group, new Map([[stage.from, start.map((offset) => offset ?? 0n)]]), signal);
  const definition: Pick<Revision['spec'], 'pipeline' | 'connection'> =
    stage.kind === 'pipeline'
      ? { pipeline: { engine: 'embedded', sql, reads: [flights(stage.from)], writes: delays(stage.to), path: '' } }
      : { connection: { connector: 'elasticsearch', keepVersions: 1, reads: delays(stage.from), destination: { alias: 'delays' } } };
  return {
    apiVersion: 'grue.dev/v1alpha1',
    kind: 'Revision',
    metadata: { name: `${stage.kind}-delays-1`, namespace: 'bench', uid: run, resourceVersion: '1', generation: 1, creationTimestamp: '' },
    spec: {
      of: { kind: stage.kind === 'sink' ? 'Connection' : 'Pipeline', name: 'delays' },
      number: 1,
      fingerprint: 'v1:0',
      accepted: '0',
      migration: '',
      inputs: [],
      platform: { name: 'default', kafkaClusterId: await kafka.clusterId(signal), elasticsearchUuid: await search.clusterUuid(signal) },
      physical: { group, deadLetters, ...(stage.kind === 'sink' ? { index: stage.index } : {}) },
      ...definition,
    },
    status: { wanted: 'Running' },
  } as Revision;
}

/** The index as the operator would make it for the sink. */
export const indexOf = (name: string): IndexSpec => ({
  name,
  ...indexDefinition(delays(''), { alias: 'delays', settings: { number_of_replicas: 0 } }, { revision: 'connection-delays-1' }),
});
