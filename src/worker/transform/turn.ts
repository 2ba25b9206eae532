import type { RawBatch } from './ports.ts';

/** Lets calls run one after another, in the order in which they came: a prepared statement has one set of parameters. */
export function inTurn<T>(work: (batch: RawBatch, bound: number) => Promise<T>): (batch: RawBatch, bound: number) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (batch, bound) => {
    const result = last.then(() => work(batch, bound));
    last = result.catch(() => {});
    return result;
  };
}
