import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { loadKubeConfig } from '../src/controller/kube/config.ts';

/** A request as it came, and how the API server answered. */
export interface ApiCall {
  readonly time: number;
  /** 0 while there is no answer. */
  readonly code: number;
  readonly agent: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** Stands between Grue and the API server and notes every request: nobody has to be believed about what they sent. */
export interface ApiProxy extends AsyncDisposable {
  readonly kubeconfigPath: string;
  readonly calls: readonly ApiCall[];
}

/** @param file where the kubeconfig of the proxy is written */
export async function startApiProxy(kubeconfigPath: string, file: string): Promise<ApiProxy> {
  const config = loadKubeConfig(kubeconfigPath);
  const credentials: https.RequestOptions = {};
  await config.applyToHTTPSOptions(credentials);
  const target = new URL(config.getCurrentCluster()?.server ?? '');
  const agent = new https.Agent({ keepAlive: true });
  const calls: ApiCall[] = [];

  const server = http.createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const place = calls.push({ time: performance.now(), code: 0, agent: headers['user-agent'] ?? '', method, path, body: body.toString() }) - 1;
      const { host: _, connection: __, ...passed } = headers;
      const onward = https.request({ ...credentials, agent, host: target.hostname, port: target.port, method, path, headers: passed }, (answer) => {
        const code = answer.statusCode ?? 502;
        calls[place] = { ...(calls[place] as ApiCall), code };
        response.writeHead(code, answer.headers);
        // a watch says nothing for long, and its headers are awaited
        response.flushHeaders();
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      onward.end(body);
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { readonly port: number }).port));
  });
  // client-node takes HTTP only from those who say that they want no TLS
  const cluster = { name: 'bench', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } };
  const context = { name: 'bench', context: { cluster: 'bench', user: 'bench' } };
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [{ name: 'bench', user: {} }],
      contexts: [context],
      'current-context': 'bench',
    }),
  );
  return {
    kubeconfigPath: file,
    calls,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
