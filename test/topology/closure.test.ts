import { expect, test } from 'vitest';
import { closure } from '../../src/topology/closure.ts';
import type { NodeKey } from '../../src/topology/graph.ts';
import { external, graphOf, pipeline, sink, stream } from './builders.ts';

/** in -> clean -> cleaned -> {index, count -> counts -> counts-index}; other writes cleaned too; late reads in. */
const graph = graphOf([
  external('in'),
  external('more'),
  pipeline('clean', { from: 'in', to: 'cleaned' }),
  pipeline('other', { from: 'more', to: 'cleaned' }),
  stream('cleaned'),
  sink('index', 'cleaned'),
  pipeline('count', { from: 'cleaned', to: 'counts' }),
  stream('counts'),
  sink('counts-index', 'counts'),
  pipeline('late', { from: 'in', to: 'lates' }),
  stream('lates'),
]);

const cases: readonly { readonly name: string; readonly changed: readonly NodeKey[]; readonly closure: readonly NodeKey[] }[] = [
  { name: 'a sink is cloned alone', changed: ['Connection/index'], closure: ['Connection/index'] },
  {
    name: 'a pipeline takes its output stream along, and that all its readers',
    changed: ['Pipeline/count'],
    closure: ['Pipeline/count', 'Stream/counts', 'Connection/counts-index'],
  },
  {
    name: 'a stream takes all its writers and all its readers along',
    changed: ['Stream/cleaned'],
    closure: ['Stream/cleaned', 'Pipeline/clean', 'Pipeline/other', 'Connection/index', 'Pipeline/count', 'Stream/counts', 'Connection/counts-index'],
  },
  {
    name: 'one of two writers takes the other along',
    changed: ['Pipeline/other'],
    closure: ['Stream/cleaned', 'Pipeline/clean', 'Pipeline/other', 'Connection/index', 'Pipeline/count', 'Stream/counts', 'Connection/counts-index'],
  },
  { name: 'an external stream takes nothing along', changed: ['Stream/in'], closure: ['Stream/in'] },
  { name: 'nothing changed, nothing cloned', changed: [], closure: [] },
];

test.each(cases)('$name', ({ changed, closure: expected }) => {
  expect([...closure(graph, changed)].sort()).toEqual([...expected].sort());
});
