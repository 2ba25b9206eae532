import { flightFields } from './flights.ts';
import type { Scene } from './grue.ts';

interface Servers {
  readonly kafka: { readonly bootstrapServers: string };
  readonly elasticsearch: { readonly url: string };
}

export const applyPlatform = (scene: Scene, { kafka, elasticsearch }: Servers): Promise<void> =>
  scene.apply('Platform', 'default', { kafka: { bootstrapServers: [kafka.bootstrapServers] }, elasticsearch: { url: elasticsearch.url } });

const project = (hours: string): readonly { readonly name: string; readonly type: string }[] =>
  flightFields.map(({ name, type }) => (name === 'delay' ? { name: hours, type: 'DOUBLE' } : { name, type }));

/** The four resources of the page-one topology: a stream that others write, SQL, a stream of our own, and an index behind an alias. */
export async function applyChain(scene: Scene, topic: string, suffix = '', partitions = 3): Promise<void> {
  await scene.apply('Stream', `flights${suffix}`, { type: 'Append', external: { topic }, schema: { fields: flightFields } });
  await applyDelays(scene, 'hours', suffix, partitions);
  await scene.apply('Connection', `delays-index${suffix}`, {
    type: 'Sink',
    connector: 'elasticsearch',
    stream: `delays${suffix}`,
    destination: { alias: `${scene.namespace}-delays${suffix}`, settings: { number_of_replicas: 0 } },
  });
}

/** The part that a migration changes: the SQL and the schema that it fills. */
export async function applyDelays(scene: Scene, hours: string, suffix = '', partitions = 3): Promise<void> {
  await scene.apply('Pipeline', `delays${suffix}`, {
    sql: `INSERT INTO delays${suffix} SELECT date, delay / 60.0 AS ${hours}, distance, origin, destination, carrier, n FROM flights${suffix} WHERE delay > 15`,
  });
  await scene.apply('Stream', `delays${suffix}`, { type: 'Append', partitions, schema: { fields: project(hours) } });
}
