import type { KubeObject } from '../src/controller/kube/api.ts';

/** What the demo calls things; tests that share servers with others call them otherwise. */
export interface Names {
  readonly namespace: string;
  /** The topic that flights are written to. */
  readonly topic: string;
  /** What readers search. */
  readonly alias: string;
}

export const demoNames: Names = { namespace: 'flights', topic: 'flights', alias: 'delays' };
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

/** Where things run, and the stream that others write: neither changes. */
export const givens = ({ namespace, topic }: Names, { bootstrapServers, elasticsearch }: Servers): readonly KubeObject[] => [
  object(namespace, 'Platform', 'default', { kafka: { bootstrapServers: [bootstrapServers] }, elasticsearch: { url: elasticsearch } }),
  object(namespace, 'Stream', 'flights', {
    type: 'Append',
    external: { topic },
    schema: { fields: fieldsOf({ ...common, delay: ['delay', 'INT'] }) },
  }),
];

/** What goes live first. */
export const firstTopology = (names: Names): readonly KubeObject[] => topologyOf(inMinutes, names);

/** A change of the topology, and how long the migration that carries it out soaks. */
export interface Change {
  readonly name: string;
  /** What it changes, for people. */
  readonly what: string;
  readonly soakSeconds: number;
  readonly to: Version;
}

export const toHours: Change = {
  name: 'delays-in-hours',
  what: 'delays in hours instead of minutes, a new field "late", another index mapping',
  soakSeconds: 12,
  to: inHours,
};

/** Its soak is long, because a person is to end it. */
export const toRoutes: Change = { name: 'delays-by-route', what: 'a new field "route"', soakSeconds: 600, to: byRoute };

/** The edited resources, and then the migration that rolls them out. */
export const resourcesOf = ({ name, soakSeconds, to }: Change, names: Names): readonly KubeObject[] => [
  ...topologyOf(to, names),
  object(names.namespace, 'StreamMigration', name, {
    resources: [{ kind: 'Pipeline', name: 'delays' }],
    strategy: 'BlueGreen',
    gates: { parity: { mode: 'Count', tolerance: 0 } },
    manual: [],
    soak: `${soakSeconds}s`,
  }),
];

/** Pipeline, stream and sink. Every version keeps every record, so that all of them can be accounted for in the end. */
function topologyOf({ columns, mappings }: Version, { namespace, alias }: Names): readonly KubeObject[] {
  const select = Object.entries(columns).map(([name, [sql]]) => (sql === name ? name : `${sql} AS ${name}`));
  return [
    object(namespace, 'Stream', 'delays', { type: 'Append', partitions, schema: { fields: fieldsOf(columns) } }),
    object(namespace, 'Pipeline', 'delays', { sql: `INSERT INTO delays SELECT ${select.join(', ')} FROM flights` }),
    object(namespace, 'Connection', 'delays-index', {
      type: 'Sink',
      connector: 'elasticsearch',
      stream: 'delays',
      destination: { alias, mappings, settings: { number_of_replicas: 0 } },
    }),
  ];
}

function object(namespace: string, kind: string, name: string, spec: object): KubeObject {
  return { apiVersion: 'grue.dev/v1alpha1', kind, metadata: { name, namespace }, spec };
}

function fieldsOf(columns: Version['columns']): readonly object[] {
  return Object.entries(columns).map(([name, [, type]]) => ({ name, type }));
}
