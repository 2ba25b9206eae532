import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../../../scripts/lock.js';
import { type Progress, run, which } from '../../stack/commands.ts';
import { clearLeftovers } from '../../stack/leftovers.ts';
import { requireAll } from '../../stack/needs.ts';
import { cacheHome } from '../../stack/paths.ts';
import { end, launch, type ServerSpec, untilReady } from '../../stack/server.ts';
import { containerTools, environmentOf, localNeeds } from '../local/debian.ts';
import { clearNode, controlGroup, ownDirectories } from '../local/namespaces.ts';

/** Runs one docker command to its end. @throws StackError STACK-BUILD with the end of what it printed */
export type Docker = (...args: readonly string[]) => Promise<void>;

interface Making {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Whether this machine has a Docker whose daemon answers. */
export async function hasDocker(): Promise<boolean> {
  if (which('docker') === undefined) return false;
  return promisify(execFile)('docker', ['info']).then(
    () => true,
    () => false,
  );
}

/** The Docker of this machine. */
export const machineDocker =
  ({ signal }: Making): Docker =>
  (...args) =>
    docker({}, signal, args);

/**
 * A Docker of our own for as long as the work takes: Debian's, unpacked, in namespaces of its own. What it has built stays
 * in the cache, for the next time. Steps of a build reach the network only with `--network=host`.
 */
export async function withOwnDocker<T>(making: Making, work: (docker: Docker) => Promise<T>): Promise<T> {
  requireAll(localNeeds);
  const { progress, signal } = making;
  const tools = await containerTools(making);
  const home = join(cacheHome(), 'docker');
  const directory = join(home, 'running');
  const onWait = (pid: number) => progress(`process ${pid} is building an image, waiting for it`);
  return withLock(
    `${home}.lock`,
    async () => {
      await clearLeftovers(directory, clearNode);
      await mkdir(directory, { recursive: true });
      const socket = join(tmpdir(), `grue-docker-${createHash('sha256').update(home).digest('hex').slice(0, 16)}.sock`);
      const env = { ...environmentOf(tools), DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: join(directory, 'config'), DOCKER_BUILDKIT: '1' };
      const server = await launch(daemonSpec({ tools, home, directory, socket, env }), directory);
      try {
        await untilReady(server, directory, signal);
        return await work((...args) => docker(env, signal, args));
      } finally {
        await end(server, directory, 'SIGTERM');
        await clearNode(directory);
        await rm(socket, { force: true });
      }
    },
    { onWait, signal },
  );
}

interface Daemon {
  readonly tools: string;
  readonly home: string;
  readonly directory: string;
  readonly socket: string;
  readonly env: Readonly<Record<string, string>>;
}

function daemonSpec({ tools, home, directory, socket, env }: Daemon): ServerSpec {
  const dockerd = [
    ...['dockerd', '--data-root', join(home, 'data'), '--host', `unix://${socket}`, '--cgroup-parent', `/${controlGroup(directory)}`],
    // packet filters of the machine stay as they are; there is no network of containers either
    ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
  ];
  // it writes keys below /etc, and its containerd makes a directory below /opt
  const script = `${ownDirectories([], ['/etc', '/opt'])}\nexec "$@"`;
  return {
    name: 'dockerd',
    command: [
      ...['unshare', '--pid', '--mount', '--fork', '--kill-child=KILL', '--mount-proc', '--'],
      ...['sh', '-ec', script, 'sh', join(tools, 'usr/bin/tini'), '-s', '--', ...dockerd],
    ],
    cwd: directory,
    env,
    ready: async (signal) => (await promisify(execFile)('docker', ['version'], { env: { ...process.env, ...env }, signal })).stdout !== '',
  };
}

async function docker(env: Readonly<Record<string, string>>, signal: AbortSignal, args: readonly string[]): Promise<void> {
  const log = join(tmpdir(), `grue-docker-${process.pid}.log`);
  await run(['docker', ...args], { cwd: tmpdir(), env: { DOCKER_BUILDKIT: '1', ...env }, signal, log }).finally(() => rm(log, { force: true }));
}
