import { describe, expect, test } from 'vitest';
import { buildGraph, component, type Definition } from '../../src/topology/graph.ts';
import { external, flights, graphOf, pipeline, sink, stream, withDefinitions } from './builders.ts';

/** Problems as `key code`, the way a table reads best. */
const problems = (definitions: readonly Definition[]): readonly string[] => buildGraph(definitions).problems.map(({ at, error }) => `${at} ${error.code}`);

describe('the graph', () => {
  test('follows the records from stream to pipeline to stream to sink', () => {
    const graph = graphOf(flights);
    expect(graph.order).toEqual(['Stream/flights', 'Pipeline/delays', 'Stream/delays', 'Connection/delays-index']);
    expect(graph.above('Stream/delays')).toEqual(['Pipeline/delays']);
    expect(graph.below('Stream/delays')).toEqual(['Connection/delays-index']);
  });

  test('is the same for the same definitions in any order', () => {
    expect(graphOf([...flights].reverse()).order).toEqual(graphOf(flights).order);
    expect([...graphOf([...flights].reverse()).nodes.keys()]).toEqual([...graphOf(flights).nodes.keys()]);
  });

  test('a component is everything that is connected, in any direction, and nothing else', () => {
    const graph = graphOf([...flights, external('weather'), sink('weather-index', 'weather')]);
    expect([...component(graph, 'Connection/delays-index')].sort()).toEqual(['Connection/delays-index', 'Pipeline/delays', 'Stream/delays', 'Stream/flights']);
    expect([...component(graph, 'Stream/weather')].sort()).toEqual(['Connection/weather-index', 'Stream/weather']);
  });
});

describe('problems', () => {
  test('a sound topology has none', () => {
    expect(problems(flights)).toEqual([]);
  });

  const refused: readonly { readonly name: string; readonly definitions: readonly Definition[]; readonly problems: readonly string[] }[] = [
    {
      name: 'a pipeline that reads and writes streams which do not exist',
      definitions: [pipeline('p', { from: 'nowhere', to: 'nothing' })],
      problems: ['Pipeline/p GRUE-API-002', 'Pipeline/p GRUE-API-002'],
    },
    { name: 'a sink of a stream that does not exist', definitions: [sink('s', 'nowhere')], problems: ['Connection/s GRUE-API-002'] },
    { name: 'a stream that nobody writes', definitions: [stream('s')], problems: ['Stream/s GRUE-API-007'] },
    {
      name: 'a pipeline that writes an external stream',
      definitions: [external('in'), external('out'), pipeline('p', { from: 'in', to: 'out' })],
      problems: ['Pipeline/p GRUE-API-006'],
    },
    {
      name: 'two sinks with one alias, both of them',
      definitions: [external('in'), sink('one', 'in', { destination: { alias: 'x' } }), sink('two', 'in', { destination: { alias: 'x' } })],
      problems: ['Connection/one GRUE-API-004', 'Connection/two GRUE-API-004'],
    },
    { name: 'a source connection', definitions: [external('in'), sink('s', 'in', { type: 'Source' })], problems: ['Connection/s GRUE-API-005'] },
    {
      name: 'the engine flink',
      definitions: withDefinitions(flights, {
        ...pipeline('delays', { from: 'flights', to: 'delays' }),
        spec: { platformRef: { name: 'default' }, engine: 'flink', sql: 'x' },
      }),
      problems: ['Pipeline/delays GRUE-API-005'],
    },
    {
      name: 'two pipelines that write a stream with a primary key',
      definitions: [
        external('in'),
        stream('out', undefined, { type: 'Change', keys: { primary: ['id'] } }),
        pipeline('p', { from: 'in', to: 'out' }),
        pipeline('q', { from: 'in', to: 'out' }),
      ],
      problems: ['Pipeline/p GRUE-API-005', 'Pipeline/q GRUE-API-005'],
    },
    {
      name: 'a pipeline and its stream on two Platforms',
      definitions: [external('in', undefined, { platformRef: { name: 'other' } }), pipeline('p', { from: 'in', to: 'out' }), stream('out')],
      problems: ['Pipeline/p GRUE-API-005'],
    },
    {
      name: 'a sink of a stream with a field named grue, where the provenance goes',
      definitions: [external('in', { grue: 'STRING' }), sink('s', 'in')],
      problems: ['Connection/s GRUE-API-006'],
    },
    {
      name: 'a sink of a stream with a field whose name Elasticsearch keeps for itself',
      definitions: [external('in', { _id: 'STRING' }), sink('s', 'in')],
      problems: ['Connection/s GRUE-API-006'],
    },
    { name: 'a type that fits its pattern and means nothing', definitions: [external('in', { price: 'DECIMAL(5,9)' })], problems: ['Stream/in GRUE-API-005'] },
  ];
  test.each(refused)('refused: $name', ({ definitions, problems: expected }) => {
    expect(problems(definitions)).toEqual(expected);
  });

  test('two writers of an Append stream without a primary key are fine: every record is a fact of its own', () => {
    expect(problems([external('in'), stream('out'), pipeline('p', { from: 'in', to: 'out' }), pipeline('q', { from: 'in', to: 'out' })])).toEqual([]);
  });

  test('a cycle is named with its whole way, at each resource on it, and not at what hangs below', () => {
    const { problems: found, graph } = buildGraph([
      stream('a'),
      pipeline('to-b', { from: 'a', to: 'b' }),
      stream('b'),
      pipeline('to-a', { from: 'b', to: 'a' }),
      sink('index', 'b'),
    ]);
    expect(found.map(({ at }) => at)).toEqual(['Pipeline/to-a', 'Pipeline/to-b', 'Stream/a', 'Stream/b']);
    expect(found[2]?.error.line).toContain(
      'GRUE-API-003 at spec: the resources form a cycle: Stream/a -> Pipeline/to-b -> Stream/b -> Pipeline/to-a -> Stream/a',
    );
    expect(graph.order).toEqual([]);
  });

  test('a pipeline that reads what it writes is a cycle', () => {
    expect(problems([stream('a'), pipeline('p', { from: 'a', to: 'a' })])).toEqual(['Pipeline/p GRUE-API-003', 'Stream/a GRUE-API-003']);
  });

  test('everything that is wrong is told at once, and what is not connected with it stays usable', () => {
    const { problems: found, graph } = buildGraph([...flights, stream('orphan'), pipeline('p', { from: 'nowhere', to: 'orphan2' }), stream('orphan2')]);
    expect(found.map(({ at, error }) => `${at} ${error.code}`)).toEqual(['Pipeline/p GRUE-API-002', 'Stream/orphan GRUE-API-007']);
    expect([...component(graph, 'Stream/flights')].some((key) => found.some(({ at }) => at === key))).toBe(false);
  });

  test('a problem says what is wrong, where, and what to do', () => {
    const [problem] = buildGraph([sink('s', 'nowhere')]).problems;
    expect(problem?.error.line).toBe(
      'GRUE-API-002 at spec.stream: it is attached to Stream/nowhere, which does not exist (create the Stream, or correct the name)',
    );
  });
});
