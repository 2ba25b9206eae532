/** Readers of an alias that never pause: each asks again as soon as it has its answer. Half of them ask for many things at once. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { planOf, tell } from './processes.ts';

export interface ReaderPlan {
  readonly url: string;
  readonly alias: string;
  /** Documents that either index holds. */
  readonly documents: number;
}

export interface ReadsTold {
  /** Answers; each part of a `_msearch` is one. */
  readonly reads: number;
  /** Those that were an error, empty or incomplete, or held hits of two indices. */
  readonly failed: number;
  /** The first of them. */
  readonly problems: readonly string[];
}

const SINGLE = 2;
const MANY = 2;
const PARTS = 50;
const TELL_MILLISECONDS = 20;
const PROBLEMS_SHOWN = 10;

interface Answer {
  readonly hits?: { readonly hits: readonly { readonly _index: string }[] };
}

const { url, alias, documents } = planOf<ReaderPlan>();
const agent = new http.Agent({ keepAlive: true });
const query = JSON.stringify({ size: documents, _source: false, query: { match_all: {} } });
let reads = 0;
let failed = 0;
let over = false;
const problems: string[] = [];

function judge(answer: Answer | undefined, otherwise = 'an answer without hits'): void {
  reads++;
  const hits = answer?.hits?.hits ?? [];
  const indices = new Set(hits.map(({ _index }) => _index));
  if (hits.length === documents && indices.size === 1) return;
  failed++;
  if (problems.length < PROBLEMS_SHOWN) problems.push(answer === undefined ? otherwise : JSON.stringify(answer).slice(0, 500));
}

function ask(path: string, body: string, contentType: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
    const request = http.request(url + path, { method: 'POST', agent, headers }, (response) => {
      text(response).then((answer) => resolve(JSON.parse(answer)), reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function readOne(): Promise<void> {
  while (!over) {
    try {
      judge((await ask(`/${alias}/_search?filter_path=hits.hits._index,error`, query, 'application/json')) as Answer);
    } catch (error) {
      judge(undefined, String(error));
    }
  }
}

async function readMany(): Promise<void> {
  const body = `{}\n${query}\n`.repeat(PARTS);
  while (!over) {
    try {
      const path = `/${alias}/_msearch?filter_path=responses.hits.hits._index,responses.error`;
      const { responses } = (await ask(path, body, 'application/x-ndjson')) as { readonly responses?: readonly Answer[] };
      for (let part = 0; part < PARTS; part++) judge(responses?.[part]);
    } catch (error) {
      for (let part = 0; part < PARTS; part++) judge(undefined, String(error));
    }
  }
}

const readers = [...Array.from({ length: SINGLE }, readOne), ...Array.from({ length: MANY }, readMany)];
const telling = setInterval(() => void tell({ reads, failed, problems } satisfies ReadsTold), TELL_MILLISECONDS);
process.once('message', () => {
  over = true;
});
await Promise.all(readers);
clearInterval(telling);
await tell({ reads, failed, problems } satisfies ReadsTold);
process.exit(0);
