import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Plain HTTP to Elasticsearch over connections that stay open: what is measured and audited should not depend on anything of Grue's. */
export interface Search {
  /** @param body JSON; an array is sent as lines, as `_msearch` wants it. @throws Error when no answer comes within `patience` milliseconds */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, patience?: number): Promise<Answer>;
  /** The same for an answer that must be a success. @throws Error with what Elasticsearch said */
  must<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>;
  close(): void;
}

export function connectSearch(url: string): Search {
  const agent = new Agent({ keepAlive: true });
  const ask: Search['ask'] = (method, path, body, patience = 30_000) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const content = contentOf(body);
    const headers = { 'content-type': Array.isArray(body) ? 'application/x-ndjson' : 'application/json', 'content-length': Buffer.byteLength(content) };
    const asked = request(`${url}${path}`, { method, agent, headers, timeout: patience }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer to ${path} within ${patience} ms`)));
    asked.on('error', reject);
    asked.end(content);
    return promise;
  };
  return {
    ask,
    async must<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) {
      const { status, text } = await ask(method, path, body);
      if (status >= 300) throw new Error(`Elasticsearch answered ${method} ${path} with ${status}: ${text.slice(0, 500)}`);
      return JSON.parse(text) as T;
    },
    close: () => agent.destroy(),
  };
}

function contentOf(body: unknown): string {
  if (body === undefined) return '';
  return Array.isArray(body) ? `${body.map((line) => JSON.stringify(line)).join('\n')}\n` : JSON.stringify(body);
}
