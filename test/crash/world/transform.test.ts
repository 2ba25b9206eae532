import { describe, expect, test } from 'vitest';
import type { Binding } from '../../../src/api/revision.ts';
import type { BadRecord, PipelineOutput, SinkOutput } from '../../../src/worker/transform/ports.ts';
import { bindingOf, engineForTests, runPipeline, runSink } from '../../worker/transform/support.ts';
import { simulatedTransform } from './transform.ts';

/** The simulation is worth as much as it agrees with the engine that it stands for. */
const real = engineForTests();
const simulated = simulatedTransform();

const orders = bindingOf({ stream: 'orders', types: { id: 'BIGINT', item: 'STRING', amount: 'INT' } });
const out = (types: Readonly<Record<string, string>>, more: Partial<Binding> = {}): Binding => bindingOf({ stream: 'out', root: false, types, ...more });
const accounts = bindingOf({ stream: 'accounts', type: 'Change', types: { id: 'STRING', balance: 'INT' }, keys: { primary: ['id'] } });
const stamped = (binding: Binding): Binding => ({ ...binding, root: false });

/** Words of refusals may differ, what is refused may not. */
const judged = ({ index, identity, origin, code }: BadRecord) => ({ index, identity, origin, code });
const piped = ({ records, bad }: PipelineOutput) => ({ records, bad: bad.map(judged) });
const sunk = ({ bodies, bad }: SinkOutput) => ({ text: bodies.map(({ bytes }) => bytes.toString()).join(''), bad: bad.map(judged) });

const values = [
  { value: { id: 1, item: 'a "b" \u0001 ü', amount: 4 } },
  { value: { id: 2, item: 'x', amount: -7 } },
  { value: { id: 3, amount: 5 } },
  { value: { id: '4', item: 'text for a number', amount: 1 } },
  { value: { id: 5, item: 'b', amount: 'many' } },
  { value: 'no JSON' },
  { value: '[1]' },
  { value: null },
];

describe('a pipeline makes what the real engine makes', () => {
  const keyed = out({ item: 'STRING', id: 'BIGINT' }, { keys: { primary: ['id'], partition: ['item'] } });
  test.each([
    ['of plain columns', 'INSERT INTO out SELECT id, item FROM orders', out({ id: 'BIGINT', item: 'STRING' })],
    [
      'of arithmetic and texts',
      "INSERT INTO out SELECT id, amount * 2 + 1 AS twice, item || '-v2' AS name FROM orders",
      out({ id: 'BIGINT', twice: 'INT', name: 'STRING' }),
    ],
    ['with a condition', "INSERT INTO out SELECT id FROM orders WHERE amount > 0 AND NOT item = 'x'", out({ id: 'BIGINT' })],
    ['with keys and a partition of its own', 'INSERT INTO out SELECT * FROM orders', { ...keyed, fields: orders.fields }],
    ['twice from one input', "INSERT INTO out SELECT id, item FROM orders UNION ALL SELECT id, 'again' FROM orders", out({ id: 'BIGINT', item: 'STRING' })],
  ])('%s', async (_, sql, writes) => {
    const [one, other] = [await runPipeline(simulated, sql, orders, writes, values), await runPipeline(real(), sql, orders, writes, values)];
    expect(one.records.length).toBeGreaterThan(0);
    expect(piped(one)).toEqual(piped(other));
  });

  test('of changes and deletions, also of those that a condition leaves out', async () => {
    const writes = out({ name: 'STRING', balance: 'INT' }, { type: 'Change', keys: { primary: ['name'] } });
    const sql = 'INSERT INTO out SELECT id AS name, balance FROM accounts WHERE balance > 0';
    const given = [
      { key: { id: 'a' }, value: { id: 'a', balance: 3 } },
      { key: 'b', value: { id: 'b', balance: -3 } },
      { key: { id: 'a' }, value: null },
      { key: { id: 'c' }, value: { id: 'another', balance: 1 } },
      { value: { id: 'd', balance: 1 } },
    ];
    expect(piped(await runPipeline(simulated, sql, accounts, writes, given))).toEqual(piped(await runPipeline(real(), sql, accounts, writes, given)));
  });

  test('of stamps of the stage before it', async () => {
    const given = [
      { value: { id: 1 }, stamp: 'flights|0|3|17||pipeline-a-1' },
      { value: { id: 2 }, stamp: 'flights|0|3|18|left|pipeline-a-1' },
      { value: { id: 3 } },
    ];
    const sql = 'INSERT INTO out SELECT id FROM orders';
    const writes = out({ id: 'BIGINT' });
    expect(piped(await runPipeline(simulated, sql, stamped(orders), writes, given))).toEqual(
      piped(await runPipeline(real(), sql, stamped(orders), writes, given)),
    );
  });
});

describe('a sink makes what the real engine makes', () => {
  test('of a stream without keys', async () => {
    const [one, other] = [await runSink(simulated, orders, values), await runSink(real(), orders, values)];
    expect(sunk(one).text).toContain('"create"');
    expect(sunk(one)).toEqual(sunk(other));
  });

  const changes = [
    { key: { id: 'a' }, value: { id: 'a', balance: 3 } },
    { key: { id: 'a' }, value: null },
    { key: { id: 'b' }, value: { id: 'other', balance: 1 } },
    { value: { id: 'c', balance: 1 } },
  ];
  test('of a stream of changes, and of one with an epoch', async () => {
    for (const binding of [accounts, { ...accounts, epoch: 2 }])
      expect(sunk(await runSink(simulated, binding, changes))).toEqual(sunk(await runSink(real(), binding, changes)));
  });

  test.each([
    ['numbers', { id: 'STRING', at: 'BIGINT' }, [7, -1, null]],
    ['times', { id: 'STRING', at: 'TIMESTAMP(6)' }, ['2026-01-01T00:00:00.000123', '1969-01-01T00:00:00', null]],
  ])('ordered by %s', async (_, types, moments) => {
    const binding = { ...bindingOf({ stream: 'accounts', type: 'Change', types, keys: { primary: ['id'] } }), orderingField: 'at' };
    const given = [...moments.map((at) => ({ key: { id: 'a' }, value: { id: 'a', at } })), { key: { id: 'a' }, value: null }];
    expect(sunk(await runSink(simulated, binding, given))).toEqual(sunk(await runSink(real(), binding, given)));
  });
});
