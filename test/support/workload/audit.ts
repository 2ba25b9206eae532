import { type Hit, type Row, rowOf } from '../workspace.ts';
import { rowAt } from './topology.ts';

/** What the documents behind one alias say about the records of its chain, once everything has arrived. */
export interface Account {
  readonly documents: number;
  /** Acknowledged by Kafka, and in no document. */
  readonly lost: number;
  /** A record in more than one document, and documents that stand for no record. */
  readonly duplicated: number;
  /** Documents that hold something else than their version makes of the record: an older change, for example. */
  readonly wrong: number;
  /** Indices and versions that the documents are from; one each if all is right. */
  readonly indices: readonly string[];
  readonly versions: readonly number[];
  readonly examples: readonly string[];
}

const examplesKept = 5;

/** @param amounts what Kafka has acknowledged: the amount by number */
export function account(hits: readonly Hit[], amounts: ReadonlyMap<number, number>): Account {
  const seen = new Set<number>();
  const examples: string[] = [];
  const sums = { duplicated: 0, wrong: 0 };
  const note = (what: keyof typeof sums, hit: Hit): void => {
    sums[what] += 1;
    if (examples.length < examplesKept) examples.push(`${what}: ${hit._id} in ${hit._index}: ${JSON.stringify(hit._source)}`);
  };
  for (const hit of hits) {
    const { number, version } = hit._source as { readonly number?: number; readonly version?: number };
    const amount = number === undefined ? undefined : amounts.get(number);
    if (number === undefined || amount === undefined || seen.has(number)) {
      note('duplicated', hit);
      continue;
    }
    seen.add(number);
    if (textOf(rowOf(hit)) !== textOf(rowAt(version ?? -1, number, amount))) note('wrong', hit);
  }
  const missing = [...amounts.keys()].filter((number) => !seen.has(number));
  examples.push(...missing.slice(0, examplesKept).map((number) => `lost: ${number}`));
  return {
    documents: hits.length,
    lost: missing.length,
    ...sums,
    indices: [...new Set(hits.map(({ _index }) => _index))],
    versions: [...new Set(hits.map(({ _source }) => Number(_source['version'])))],
    examples,
  };
}

export const isRight = ({ lost, duplicated, wrong, indices, versions }: Account): boolean =>
  lost + duplicated + wrong === 0 && indices.length === 1 && versions.length === 1;

const textOf = (row: Row): string => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));
