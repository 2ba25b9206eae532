/** One valid spec per kind, as small as the kind allows while every rule has something to say about it. */
export const examples = {
  Platform: {
    kafka: { bootstrapServers: ['kafka:9092'], authentication: { secretRef: { name: 'kafka' } } },
    elasticsearch: { url: 'https://search:9200', authentication: { secretRef: { name: 'search' } } },
  },
  Stream: {
    type: 'Append',
    schema: {
      fields: [
        { name: 'date', type: 'TIMESTAMP(3)' },
        { name: 'hours', type: 'DOUBLE' },
      ],
    },
  },
  Connection: { type: 'Sink', connector: 'elasticsearch', stream: 'delays', destination: { alias: 'delays', mappings: {}, settings: {} } },
  Pipeline: { sql: 'INSERT INTO delays SELECT date, delay / 60.0 AS hours FROM flights WHERE delay > 15' },
  Revision: {
    of: { kind: 'Stream', name: 'delays' },
    number: 1,
    fingerprint: 'v1:0',
    accepted: '0',
    migration: '',
    platform: { name: 'default', kafkaClusterId: 'k', elasticsearchUuid: 'e' },
    inputs: [],
    stream: { type: 'Append', fields: [{ name: 'hours', type: 'DOUBLE' }], partitions: 3, external: false },
    physical: { topic: 'grue.flights.delays.1-x7k2pq' },
  },
  StreamMigration: { resources: [{ kind: 'Pipeline', name: 'delays' }] },
} as const;
