import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { elasticsearchCluster } from '../src/drivers/elasticsearch/cluster.ts';
import type { AliasTarget } from '../src/drivers/ports.ts';
import { startStack } from '../test/stack/stack.ts';
import { startProgram } from './processes.ts';
import type { ReaderPlan, ReadsTold } from './readers-process.ts';
import { atLeast, atMost, number, type Progress, type Section } from './section.ts';
import type { Sizes } from './sizes.ts';
import { quantile } from './statistics.ts';

export interface FlipFigures {
  readonly p99Milliseconds: number;
  readonly bareP99Milliseconds: number;
  readonly reads: number;
  /** Failed, empty or mixed. */
  readonly failedReads: number;
  readonly p50Milliseconds: number;
  readonly bareP50Milliseconds: number;
  readonly maxMilliseconds: number;
  readonly bareMaxMilliseconds: number;
  readonly pairs: number;
  readonly readProblems: readonly string[];
}

const ALIAS = 'delays';
const DOCUMENTS = 20;
const MARGIN_MILLISECONDS = 20;
/** Pairs before those that count. */
const WARM_UP = 10;

type Place = Pick<AliasTarget, 'index' | 'uuid'>;

/** Our flip beside the bare call that it makes, in pairs of changing order, while readers never pause. */
export async function benchFlip(sizes: Sizes, progress: Progress): Promise<Section<FlipFigures>> {
  await using stack = await startStack({ only: ['elasticsearch'], progress });
  const { url } = stack.elasticsearch;
  const { signal } = new AbortController();
  const search = elasticsearchCluster({ url });
  const agent = new http.Agent({ keepAlive: true });
  try {
    const places = await Promise.all(['a', 'b'].map((side) => makeIndex(`delays-${side}`)));
    let [here, there] = places as [Place, Place];
    await search.bindAlias(ALIAS, here.index, here.uuid, signal);
    const readers = await startReaders({ url, alias: ALIAS, documents: DOCUMENTS });
    const ours: number[] = [];
    const bare: number[] = [];
    progress(`${sizes.flips} pairs of flips under readers, until they have read ${number(sizes.reads)} times`);
    for (let pair = -WARM_UP; pair < sizes.flips; pair++) {
      // spread over all the reads, so that each flip meets readers and each reader meets flips
      await readers.until((sizes.reads * Math.max(0, pair)) / sizes.flips);
      const kinds = pair % 2 === 0 ? [ourFlip, bareFlip] : [bareFlip, ourFlip];
      for (const flip of kinds) {
        const began = performance.now();
        await flip(here, there);
        if (pair >= 0) (flip === ourFlip ? ours : bare).push(performance.now() - began);
        [here, there] = [there, here];
      }
    }
    await readers.until(sizes.reads);
    return section(ours, bare, await readers.end());
  } finally {
    agent.destroy();
    await search.close();
  }

  async function makeIndex(name: string): Promise<Place> {
    await search.createIndex({ name, mappings: {}, settings: { number_of_replicas: 0 } }, signal);
    const lines = Array.from({ length: DOCUMENTS }, (_, n) => `{"index":{}}\n{"n":${n}}\n`);
    await call('POST', `/${name}/_bulk?refresh=true`, lines.join(''));
    return { index: name, uuid: (await search.indices([name], signal)).get(name)?.uuid ?? '' };
  }

  async function ourFlip(from: Place, to: Place): Promise<void> {
    const result = await search.flip([{ alias: ALIAS, from, to }], signal);
    if (!result.moved) throw new Error(result.reason);
  }

  async function bareFlip(from: Place, to: Place): Promise<void> {
    const actions = [{ remove: { index: from.index, alias: ALIAS, must_exist: true } }, { add: { index: to.index, alias: ALIAS } }];
    await call('POST', '/_aliases', JSON.stringify({ actions }));
  }

  function call(method: string, path: string, body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const request = http.request(url + path, { method, agent, headers }, (response) => {
        text(response).then((answer) => (response.statusCode === 200 ? resolve() : reject(new Error(answer))), reject);
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}

async function startReaders(plan: ReaderPlan) {
  const child = startProgram('readers-process.ts', plan);
  let told: ReadsTold = { reads: 0, failed: 0, problems: [] };
  let waiting = (): void => {};
  child.on('message', (message) => {
    told = message as ReadsTold;
    waiting();
  });
  const ended = once(child, 'exit');
  const died = ended.then(([code, by]) => {
    throw new Error(`the readers ended with ${by ?? `exit code ${code}`}`);
  });
  died.catch(() => {});
  return {
    /** Resolves when they have read so often. */
    async until(reads: number): Promise<void> {
      while (told.reads < reads) {
        const more = new Promise<void>((resolve) => {
          waiting = resolve;
        });
        await Promise.race([more, died]);
      }
    },
    async end(): Promise<ReadsTold> {
      child.send('end');
      await ended;
      return told;
    },
  };
}

function section(ours: readonly number[], bare: readonly number[], { reads, failed, problems }: ReadsTold): Section<FlipFigures> {
  const figures: FlipFigures = {
    p99Milliseconds: quantile(ours, 0.99),
    bareP99Milliseconds: quantile(bare, 0.99),
    reads,
    failedReads: failed,
    p50Milliseconds: quantile(ours, 0.5),
    bareP50Milliseconds: quantile(bare, 0.5),
    maxMilliseconds: quantile(ours, 1),
    bareMaxMilliseconds: quantile(bare, 1),
    pairs: ours.length,
    readProblems: problems,
  };
  const bound = figures.bareP99Milliseconds + MARGIN_MILLISECONDS;
  return {
    figures,
    rows: [
      {
        what: `flip: checks, _aliases call and read-back, p99 of ${ours.length}, ms`,
        observed: number(figures.p99Milliseconds, 1),
        goal: atMost(figures.p99Milliseconds, bound, `${number(bound, 1)} (bare + ${MARGIN_MILLISECONDS})`),
      },
      { what: '  the bare _aliases call, p99, ms', observed: number(figures.bareP99Milliseconds, 1) },
      { what: '  medians: flip / bare, ms', observed: `${number(figures.p50Milliseconds, 1)} / ${number(figures.bareP50Milliseconds, 1)}` },
      { what: 'reads meanwhile, in closed loops', observed: number(reads), goal: atLeast(reads, 1_000_000, number(1_000_000)) },
      { what: '  failed, empty or mixed', observed: number(failed), goal: atMost(failed, 0, '0') },
    ],
  };
}
