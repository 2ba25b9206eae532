import { type Kind, kinds } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import type { KubeStore } from '../../support/kube-store.ts';
import type { ProducedRecord } from '../scenario.ts';
import { namespace, type Simulation } from '../simulation.ts';

/** The topologies that the scenarios are about. */

const platformRef = { name: 'default' };
const fields = [
  { name: 'id', type: 'STRING' },
  { name: 'item', type: 'STRING' },
  { name: 'amount', type: 'INT' },
];
const withTag = [...fields, { name: 'tag', type: 'STRING' }];

export const clean = 'INSERT INTO cleaned SELECT id, item, amount FROM orders';
export const cleanTagged = (tag: string): string => `INSERT INTO tagged SELECT id, item, amount, '${tag}' AS tag FROM cleaned`;
export const cleanDoubled = 'INSERT INTO cleaned SELECT id, item, amount + amount AS amount FROM orders';
export const cleanLarge = 'INSERT INTO cleaned SELECT id, item, amount FROM orders WHERE amount > 5';

type Applied = readonly [kind: Kind, name: string, spec: object];

const platform: Applied = ['Platform', 'default', { kafka: { bootstrapServers: ['kafka:9092'] }, elasticsearch: { url: 'http://search:9200' } }];
const orders: Applied = ['Stream', 'orders', { platformRef, external: { topic: 'orders' }, type: 'Append', schema: { fields } }];
const cleaned: Applied = ['Stream', 'cleaned', { platformRef, type: 'Append', partitions: 2, schema: { fields } }];
const tagged: Applied = ['Stream', 'tagged', { platformRef, type: 'Append', partitions: 1, schema: { fields: withTag } }];
const sink = (name: string, stream: string): Applied => [
  'Connection',
  name,
  { platformRef, type: 'Sink', connector: 'elasticsearch', stream, destination: { alias: name, mappings: {}, settings: {} } },
];

/** orders -> clean -> cleaned -> (index orders-found) -> tag -> tagged -> (index orders-tagged) */
export const wide: readonly Applied[] = [
  platform,
  orders,
  ['Pipeline', 'clean', { platformRef, sql: clean }],
  cleaned,
  ['Pipeline', 'tag', { platformRef, sql: cleanTagged('a') }],
  tagged,
  sink('orders-found', 'cleaned'),
  sink('orders-tagged', 'tagged'),
];

/** orders -> clean -> cleaned -> (index orders-found) */
export const narrow: readonly Applied[] = [platform, orders, ['Pipeline', 'clean', { platformRef, sql: clean }], cleaned, sink('orders-found', 'cleaned')];

/** The same, whose sink goes with all that it made some seconds after its deletion. */
export const reclaimable: readonly Applied[] = narrow.map(([kind, name, spec]) => [
  kind,
  name,
  kind === 'Connection' ? { ...spec, reclaimPolicy: 'Delete', reclaimAfter: '5s' } : spec,
]);

/** accounts, one document per key -> copy -> kept -> (index accounts-found) */
export const keyed: readonly Applied[] = [
  platform,
  ['Stream', 'accounts', { platformRef, external: { topic: 'accounts' }, type: 'Change', keys: { primary: ['id'] }, schema: { fields } }],
  ['Pipeline', 'copy', { platformRef, sql: 'INSERT INTO kept SELECT id, item, amount FROM accounts' }],
  ['Stream', 'kept', { platformRef, type: 'Change', keys: { primary: ['id'] }, partitions: 2, schema: { fields } }],
  sink('accounts-found', 'kept'),
];
export const copyDoubled = 'INSERT INTO kept SELECT id, item, amount + amount AS amount FROM accounts';

export function applyAll({ people }: Simulation, objects: readonly Applied[]): void {
  for (const [kind, name, spec] of objects) people.apply(kind, name, spec);
}

/** Orders of others: the first are there before anything begins, the rest come while it goes on. */
export const orderRecords = (from: number, to: number): readonly ProducedRecord[] =>
  Array.from({ length: to - from }, (_, index) => {
    const id = from + index;
    return { topic: 'orders', partition: id % 2, value: JSON.stringify({ id: `o-${id}`, item: `item-${id % 5}`, amount: id % 11 }) };
  });

/** Changes of accounts: some keys come again and again, some are deleted. */
export const accountRecords = (from: number, to: number): readonly ProducedRecord[] =>
  Array.from({ length: to - from }, (_, index) => {
    const turn = from + index;
    const id = `a-${turn % 7}`;
    const where = { topic: 'accounts', partition: (turn % 7) % 2, key: JSON.stringify({ id }) };
    return turn % 9 === 8 ? where : { ...where, value: JSON.stringify({ id, item: `item-${turn}`, amount: turn }) };
  });

export function produce({ kafka }: Simulation, records: readonly ProducedRecord[]): void {
  for (const { topic, partition, key, value } of records)
    kafka.append(topic, partition, [{ ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) }]);
}

/** Is every alias bound, and every resource told that it is ready? */
export const isInstalled = (sim: Simulation): boolean => {
  const revisions = sim.people.revisions();
  const sinks = revisions.filter(({ spec }) => spec.connection !== undefined);
  return (
    sinks.length > 0 &&
    sinks.every(({ status }) => status?.bound === true) &&
    revisions.every(({ status }) => status?.state === 'Running' && status.role === 'live') &&
    liveOfAll(sim)
  );
};

const liveOfAll = ({ store, people }: Simulation): boolean => {
  const logical = logicalObjects(store);
  return people.revisions().length >= logical.length && logical.every(({ status }) => (status as { live?: string } | undefined)?.live !== undefined);
};

export const logicalObjects = (store: KubeStore): readonly KubeObject[] =>
  [kinds.Stream, kinds.Pipeline, kinds.Connection].flatMap((type) => store.list(type, namespace));
