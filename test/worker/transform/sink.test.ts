import { describe, expect, test } from 'vitest';
import { projectionOf } from '../../../src/records/digest.ts';
import { bindingOf, engineForTests, operations, runSink } from './support.ts';

const engine = engineForTests();

const flights = bindingOf({ stream: 'flights', types: { n: 'BIGINT', delay: 'INT' } });
const orders = bindingOf({ stream: 'orders', root: false, epoch: 0, types: { id: 'BIGINT', name: 'STRING' }, type: 'Change', keys: { primary: ['id'] } });
const at = (epoch: number, o: number) => `customers|${epoch}|2|${o}||pipeline-p-1`;

describe('a sink of an Append stream', () => {
  test('creates a document of each record, with its fields and where it came from', async () => {
    const [operation] = operations(await runSink(engine(), flights, [{ value: { n: 1, delay: 15, other: 'ignored' }, offset: 42 }]));
    expect(operation?.item).toMatchObject({ index: 0, action: 'create', version: undefined, origin: { root: 'flights', epoch: 0, p: 0, o: 42n, path: '' } });
    expect(operation?.document).toEqual({
      n: 1,
      delay: 15,
      grue: {
        root: 'flights',
        epoch: 0,
        p: 0,
        o: 42,
        path: '',
        rev: 'connection-c-1',
        proj: projectionOf(flights.fields),
        h1: expect.any(Number),
        h2: expect.any(Number),
        h3: expect.any(Number),
        h4: expect.any(Number),
      },
    });
  });

  test('keeps the origin that a record brings along, and names itself as the last Revision', async () => {
    const behind = { ...flights, root: false };
    const [operation] = operations(await runSink(engine(), behind, [{ value: { n: 1 }, offset: 7, stamp: 'cars|3|1|9007199254740993|a/b#2|pipeline-p-1' }]));
    expect(operation?.item.origin).toEqual({ root: 'cars', epoch: 3, p: 1, o: 9_007_199_254_740_993n, path: 'a/b#2' });
    expect(operation?.item.text).toContain('"root":"cars","epoch":3,"p":1,"o":9007199254740993,"path":"a/b#2","rev":"connection-c-1"');
  });

  test('ignores a stamp that an outsider put on a record of a root', async () => {
    const [operation] = operations(await runSink(engine(), flights, [{ value: { n: 1 }, offset: 7, stamp: at(0, 99) }]));
    expect(operation?.item.origin).toMatchObject({ root: 'flights', o: 7n });
  });

  test('the digest does not depend on the order of fields, in the record or in the schema', async () => {
    const other = bindingOf({ stream: 'flights', types: { delay: 'INT', n: 'BIGINT' } });
    const [one] = operations(await runSink(engine(), flights, [{ value: '{"n":1,"delay":2}' }]));
    const [two] = operations(await runSink(engine(), other, [{ value: '{"delay":2, "n":1}' }]));
    expect(one?.item.digest).toBe(two?.item.digest);
  });

  test('fields whose names differ in case only stay apart', async () => {
    const [operation] = operations(await runSink(engine(), bindingOf({ stream: 's', types: { a: 'INT', A: 'STRING' } }), [{ value: { A: 'x', a: 1 } }]));
    expect(operation?.document).toMatchObject({ a: 1, A: 'x' });
  });

  test('a record without a value is bad', async () => {
    const { bad, bodies } = await runSink(engine(), flights, [{ value: null }]);
    expect(bad).toMatchObject([{ code: 'GRUE-REC-001', reason: 'the record has no value' }]);
    expect(bodies).toEqual([]);
  });

  test('with a primary key replaces by that key, whether or not the record has a Kafka key, but not with another one', async () => {
    const keyed = bindingOf({ stream: 's', types: { id: 'INT' }, keys: { primary: ['id'] } });
    const output = await runSink(engine(), keyed, [
      { value: { id: 5 } },
      { key: { id: 6 }, value: { id: 6 } },
      { key: { id: 6 }, value: { id: 7 } },
      { key: 'unreadable', value: { id: 8 } },
    ]);
    expect(operations(output).map(({ item }) => [item.action, item.id])).toEqual([
      ['index', 'i1:5'],
      ['index', 'i1:6'],
      ['index', 'i1:8'],
    ]);
    expect(output.bad).toMatchObject([{ index: 2, code: 'GRUE-REC-003' }]);
  });
});

describe('a sink of a Change stream', () => {
  test('writes by key with the version of the origin, and deletes', async () => {
    const output = await runSink(engine(), orders, [
      { key: { id: 1 }, value: { id: 1, name: 'a' }, stamp: at(0, 10) },
      { key: { id: 1 }, value: { id: 1, name: 'b' }, stamp: at(2, 3) },
      { key: { id: 1 }, value: null, stamp: at(2, 4) },
    ]);
    expect(operations(output).map(({ item }) => [item.action, item.id, item.version])).toEqual([
      ['index', 'i1:1', '10'],
      ['index', 'i1:1', '562949953421315'],
      ['delete', 'i1:1', '562949953421316'],
    ]);
    expect(output.bodies[0]?.bytes.toString()).toContain('{"delete":{"_id":"i1:1","version":562949953421316,"version_type":"external"}}\n');
    expect(operations(output)[2]?.item).toMatchObject({ origin: { root: 'customers', epoch: 2, o: 4n }, digest: undefined });
  });

  test('equal content has an equal digest wherever it came from', async () => {
    const output = await runSink(
      engine(),
      orders,
      [1, 2].map((o) => ({ key: { id: 1 }, value: { id: 1, name: 'a' }, stamp: at(0, o) })),
    );
    const digests = operations(output).map(({ item }) => item.digest);
    expect(digests[0]).toBe(digests[1]);
  });

  test('refuses records whose key is missing, unreadable, null or another than that of the value', async () => {
    const output = await runSink(engine(), orders, [
      { value: { id: 1 }, stamp: at(0, 1) },
      { key: 'x', value: { id: 1 }, stamp: at(0, 2) },
      { key: { id: null }, value: null, stamp: at(0, 3) },
      { key: { id: 2 }, value: { id: 1 }, stamp: at(0, 4) },
      { key: { id: 2 }, value: { name: 'no id' }, stamp: at(0, 5) },
    ]);
    expect(output.bad.map(({ code, reason }) => [code, reason])).toEqual([
      ['GRUE-REC-003', 'the record has no key'],
      ['GRUE-REC-003', 'the key "x" is not a JSON object'],
      ['GRUE-REC-003', 'the key lacks the field id'],
      ['GRUE-REC-003', 'the key of the record says something else than its value: its id is "i1:2"'],
      ['GRUE-REC-003', 'the key field id is missing or null'],
    ]);
    expect(output.bodies).toEqual([]);
  });

  test('takes its versions from a declared ordering field, and then cannot order deletions', async () => {
    const ordered = { ...orders, fields: [...orders.fields, { name: 'seq', type: 'BIGINT' }], orderingField: 'seq' };
    const output = await runSink(engine(), ordered, [
      { key: { id: 1 }, value: { id: 1, seq: 9007199254740993n.toString() }, stamp: at(0, 1) },
      { key: { id: 1 }, value: { id: 1 }, stamp: at(0, 2) },
      { key: { id: 1 }, value: { id: 1, seq: -1 }, stamp: at(0, 3) },
      { key: { id: 1 }, value: null, stamp: at(0, 4) },
    ]);
    expect(operations(output).map(({ item }) => item.version)).toEqual(['9007199254740993']);
    expect(output.bad.map(({ reason }) => reason)).toEqual([
      'there is no value, or a negative one, in the ordering field seq',
      'there is no value, or a negative one, in the ordering field seq',
      'a deletion has no value in the ordering field seq',
    ]);
  });

  test('an ordering field of type TIMESTAMP counts microseconds', async () => {
    const ordered = { ...orders, fields: [...orders.fields, { name: 'changed', type: 'TIMESTAMP(3)' }], orderingField: 'changed' };
    const output = await runSink(engine(), ordered, [{ key: { id: 1 }, value: { id: 1, changed: '2020-01-01 00:00:00.001' }, stamp: at(0, 1) }]);
    expect(operations(output)[0]?.item.version).toBe('1577836800001000');
  });

  test('a key with separators and quotes in it arrives whole', async () => {
    const texts = bindingOf({ stream: 's', types: { id: 'STRING' }, type: 'Change', keys: { primary: ['id'] } });
    const id = 'a\u001e\u001f\n"\\|\u0000é';
    const output = await runSink(engine(), texts, [
      { key: { id }, value: { id } },
      { key: { id }, value: null },
    ]);
    expect(operations(output).map(({ item }) => [item.action, item.id])).toEqual([
      ['index', `s10:${id}`],
      ['delete', `s10:${id}`],
    ]);
  });
});

describe('bodies', () => {
  test('are cut between operations below the bound, in order, and each knows its records', async () => {
    const given = Array.from({ length: 40 }, (_, n) =>
      n % 3 === 0 ? { key: { id: n }, value: null, stamp: at(0, n) } : { key: { id: n }, value: { id: n, name: 'x'.repeat(n * 10) }, stamp: at(0, n) },
    );
    const whole = await runSink(engine(), orders, given);
    const cut = await runSink(engine(), orders, given, 1_000);
    expect(cut.bodies.length).toBeGreaterThan(5);
    expect(Buffer.concat(cut.bodies.map(({ bytes }) => bytes))).toEqual(whole.bodies[0]?.bytes);
    for (const { bytes, count } of cut.bodies) expect(bytes.length <= 1_000 || count === 1).toBe(true);
    expect(operations(cut).map(({ item }) => [item.index, item.id, item.text])).toEqual(operations(whole).map(({ item }) => [item.index, item.id, item.text]));
    expect(operations(cut).map(({ item }) => item.index)).toEqual(given.map((_, n) => n));
  });

  test('leave out what is bad, and the positions of the others are those of the input', async () => {
    const output = await runSink(
      engine(),
      flights,
      [{ value: { n: 0 } }, { value: 'bad' }, { value: { n: 2 } }, { value: { n: 'bad' } }, { value: { n: 4 } }],
      10,
    );
    expect(operations(output).map(({ item, document }) => [item.index, item.origin.o, document?.['n']])).toEqual([
      [0, 0n, 0],
      [2, 2n, 2],
      [4, 4n, 4],
    ]);
    expect(output.bad.map(({ index }) => index)).toEqual([1, 3]);
  });

  test('keep the order of the input over many vectors of the engine', async () => {
    const output = await runSink(
      engine(),
      flights,
      Array.from({ length: 9_000 }, (_, n) => ({ value: { n } })),
      100_000_000,
    );
    expect(operations(output).every(({ document }, n) => document?.['n'] === n)).toBe(true);
  });
});
