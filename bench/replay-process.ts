/** Sends prepared bodies as fast as Elasticsearch takes them, and looks at nothing: what a worker could reach at best. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { type Body, decodeBodies } from './bodies.ts';
import { planOf, tell } from './processes.ts';

export interface ReplayPlan {
  readonly file: string;
  /** Bodies go to this path below the server's address, in order within a lane; lanes run beside each other, as a worker's partitions do. */
  readonly url: string;
}

export interface ReplayResult {
  readonly records: number;
  readonly seconds: number;
}

const { file, url } = planOf<ReplayPlan>();
const bodies = decodeBodies(readFileSync(file));
const agent = new http.Agent({ keepAlive: true });

function send({ bytes }: Body): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': bytes.length };
    const request = http.request(url, { method: 'POST', agent, headers }, (response) => {
      text(response).then((answer) => (answer.startsWith('{"errors":false') ? resolve() : reject(new Error(answer.slice(0, 500)))), reject);
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

const lanes = Map.groupBy(bodies, ({ lane }) => lane);
const began = performance.now();
await Promise.all(
  [...lanes.values()].map(async (lane) => {
    for (const body of lane) await send(body);
  }),
);
await tell({ records: bodies.reduce((sum, { count }) => sum + count, 0), seconds: (performance.now() - began) / 1_000 } satisfies ReplayResult);
process.exit(0);
