import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../../scripts/processes.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { buildImage } from '../image/build.ts';

let cluster: Cluster;
let image: string;

beforeAll(async () => {
  const progress = (line: string) => console.error(line);
  [cluster, image] = await Promise.all([startCluster({ audit: true, progress }), buildImage({ progress })]);
  await cluster.loadImage(image);
  await kubectl('create', 'namespace', 'grue');
  await kubectl('label', 'namespace', 'grue', 'pod-security.kubernetes.io/enforce=restricted');
  await kubectl('apply', '--server-side', '-f', join(root, 'crds'));
  // what it may do is another test's matter
  await kubectl('create', 'clusterrolebinding', 'grue', '--clusterrole=cluster-admin', '--serviceaccount=grue:default');
});

afterAll(() => cluster?.stop());

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, '--namespace', 'grue', ...args], { maxBuffer: 2 ** 26 });
  return stdout.trim();
}

/** A pod as strict as Pod Security has them. */
async function start(name: string, more: Readonly<Record<string, unknown>>): Promise<void> {
  const container = {
    name,
    image,
    imagePullPolicy: 'Never',
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    ...more,
  };
  const spec = { restartPolicy: 'Never', securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }, containers: [container] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
  await kubectl('run', name, '--image', image, '--restart=Never', '--overrides', JSON.stringify(pod));
}

const phase = (name: string) => kubectl('get', 'pod', name, '-o', 'jsonpath={.status.phase}');
const ended = (name: string) => expect.poll(() => phase(name), { timeout: 60_000 }).toMatch(/Succeeded|Failed/);

test('without arguments, and with any of its commands, the image is the command line', async () => {
  await start('help', {});
  await start('version', { args: ['--version'] });
  await start('wrong', { args: ['operate'] });
  for (const name of ['help', 'version', 'wrong']) await ended(name);
  expect(await kubectl('logs', 'help')).toMatch(/Usage: grue .*operator.*worker/s);
  expect(await phase('version')).toBe('Succeeded');
  expect(await phase('wrong')).toBe('Failed');
  expect(await kubectl('logs', 'wrong')).toMatch(/unknown command 'operate'/);
});

test('as user 1000, with a root that it cannot write to, without a shell or npm, DuckDB works', async () => {
  const script = `
    const { DuckDBInstance } = await import('/app/node_modules/@duckdb/node-api/lib/index.js').then((m) => m.default ?? m);
    const rows = await (await (await DuckDBInstance.create()).connect()).runAndReadAll('select 6 * 7 as answer');
    const fs = await import('node:fs');
    const refused = (work) => { try { work(); return 'done'; } catch (error) { return error.code; } };
    console.log(JSON.stringify({
      uid: process.getuid(), gid: process.getgid(), answer: rows.getRowObjects()[0].answer,
      write: refused(() => fs.writeFileSync('/app/x', '')), shell: fs.existsSync('/bin/sh'), npm: fs.existsSync('/usr/local/bin/npm'),
      packages: fs.readdirSync('/app/node_modules'), bom: JSON.parse(fs.readFileSync('/app/sbom.cdx.json')).bomFormat,
    }));`;
  await start('inside', { command: ['node', '--input-type=module', '-e', script] });
  await ended('inside');
  expect(JSON.parse(await kubectl('logs', 'inside'))).toEqual({
    ...{ uid: 1000, gid: 1000, answer: 42, write: 'EROFS', bom: 'CycloneDX', packages: ['@duckdb', 'detect-libc'] },
    // the base of the tests has none; that of a Docker on this machine has both
    ...(cluster.flavour === 'local' ? { shell: false, npm: false } : { shell: expect.anything(), npm: expect.anything() }),
  });
});

for (const command of ['operator', 'worker'] as const) {
  test(`the ${command} is ready within seconds, and when it is told to end it ends by itself within ten`, async () => {
    const probe = { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 };
    await start(command, { args: [command, '--namespace', 'grue', '--listen', '0.0.0.0:8080'], readinessProbe: probe });
    await kubectl('wait', 'pod', command, '--for=condition=Ready', '--timeout=60s');
    const began = Date.now();
    await kubectl('exec', command, '--', 'node', '-e', 'process.kill(1, "SIGTERM")');
    await ended(command);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await kubectl('get', 'pod', command, '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')).toBe('0');
  });
}

test('a pod reaches a server of this machine at the node address, and services by their names', async () => {
  const server = createServer((_, response) => response.end('from the host'));
  await new Promise<void>((resolve) => server.listen(0, cluster.nodeAddress, resolve));
  const { port } = server.address() as { port: number };
  const script = `
    const dns = await import('node:dns/promises');
    console.log(await (await fetch('http://${cluster.nodeAddress}:${port}')).text(), (await dns.lookup('kubernetes.default')).address === process.env.KUBERNETES_SERVICE_HOST);`;
  await start('reach', { command: ['node', '--input-type=module', '-e', script] });
  await ended('reach');
  expect(await kubectl('logs', 'reach')).toBe('from the host true');
  server.close();
});

test('the audit log says who asked for what, and the bill of materials lies in out/', async () => {
  const events = readFileSync(cluster.auditLog ?? '', 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { user: { username: string }; verb: string });
  expect(events.some(({ user }) => user.username === 'system:serviceaccount:grue:default')).toBe(true);
  expect(readdirSync(join(root, 'out'))).toContain('sbom.cdx.json');
});
