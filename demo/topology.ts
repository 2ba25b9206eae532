import type { KubeObject } from '../src/controller/kube/api.ts';

export const namespace = 'flights';
export const alias = 'delays';
export const sourceTopic = 'flights';
export const partitions = 3;

export interface Servers {
  readonly bootstrapServers: string;
  readonly elasticsearch: string;
}

/** One state of what a user has in Git: what the SQL makes of a flight, and how it is indexed. */
interface Version {
  /** SQL expression per field. */
  readonly columns: Readonly<Record<string, readonly [sql: string, type: string]>>;
  readonly mappings: object;
}

const common = {
  number: ['number', 'BIGINT'],
  date: ['date', 'TIMESTAMP(3)'],
  origin: ['origin', 'STRING'],
  destination: ['destination', 'STRING'],
  distance: ['distance', 'INT'],
} as const;

const inMinutes: Version = { columns: { ...common, minutes: ['delay', 'INT'] }, mappings: { properties: { minutes: { type: 'integer' } } } };

const inHours: Version = {
  columns: { ...common, hours: ['delay / 60.0', 'DOUBLE'], late: ['delay > 15', 'BOOLEAN'] },
  mappings: { properties: { hours: { type: 'half_float' }, origin: { type: 'keyword', fields: { text: { type: 'text' } } } } },
};

const byRoute: Version = {
  columns: { ...inHours.columns, route: ["origin || '-' || destination", 'STRING'] },
  mappings: inHours.mappings,
};

const object = (kind: string, name: string, spec: object): KubeObject => ({ apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec });

/** Where things run, and the stream that others write: neither changes. */
export const givens = ({ bootstrapServers, elasticsearch }: Servers): readonly KubeObject[] => [
  object('Platform', 'default', { kafka: { bootstrapServers: [bootstrapServers] }, elasticsearch: { url: elasticsearch } }),
  object('Stream', 'flights', { type: 'Append', external: { topic: sourceTopic }, schema: { fields: fieldsOf({ ...common, delay: ['delay', 'INT'] }) } }),
];

/** Pipeline, stream and sink. Every version keeps every record, so that all of them can be accounted for in the end. */
const topologyOf = ({ columns, mappings }: Version): readonly KubeObject[] => {
  const select = Object.entries(columns).map(([name, [sql]]) => (sql === name ? name : `${sql} AS ${name}`));
  return [
    object('Stream', 'delays', { type: 'Append', partitions, schema: { fields: fieldsOf(columns) } }),
    object('Pipeline', 'delays', { sql: `INSERT INTO delays SELECT ${select.join(', ')} FROM flights` }),
    object('Connection', 'delays-index', {
      type: 'Sink',
      connector: 'elasticsearch',
      stream: 'delays',
      destination: { alias, mappings, settings: { number_of_replicas: 0 } },
    }),
  ];
};

const fieldsOf = (columns: Version['columns']): readonly object[] => Object.entries(columns).map(([name, [, type]]) => ({ name, type }));

/** What goes live first. */
export const blueTopology = topologyOf(inMinutes);

/** A change of the topology, and the migration that carries it out. */
export interface Change {
  readonly name: string;
  /** What it changes, for people. */
  readonly what: string;
  readonly soakSeconds: number;
  readonly resources: readonly KubeObject[];
  readonly migration: KubeObject;
}

const change = (name: string, what: string, version: Version, soakSeconds: number): Change => ({
  name,
  what,
  soakSeconds,
  resources: topologyOf(version),
  migration: object('StreamMigration', name, {
    resources: [{ kind: 'Pipeline', name: 'delays' }],
    strategy: 'BlueGreen',
    gates: { parity: { mode: 'Count', tolerance: 0 } },
    manual: [],
    soak: `${soakSeconds}s`,
  }),
});

export const toHours = change('delays-in-hours', 'delays in hours instead of minutes, a new field "late", another index mapping', inHours, 12);

/** Its soak is long, because a person is to end it. */
export const toRoutes = change('delays-by-route', 'a new field "route"', byRoute, 600);
