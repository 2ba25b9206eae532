import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { StackError } from '../../stack/errors.ts';
import { forget } from '../../stack/leftovers.ts';
import type { ServerSpec } from '../../stack/server.ts';

/**
 * The node of a local cluster is a tree of processes in a process, mount and network namespace of its own. All that
 * containers need (mounts, addresses, packet filters) is made in there, so the kernel forgets it when the first process
 * of the namespaces ends, in whatever way. What is left on the machine are empty control groups, and for a minute or two the
 * wire: connections that were cut off hold the network until they give up. `clearNode` removes both.
 */

/** The two ends of the wire between machine and node. */
export interface Wire {
  readonly device: string;
  readonly host: string;
  readonly node: string;
}

/** The first process of the node: it reaps what loses its parent, and ends with the keeper. */
export function initSpec(tini: string, cwd: string): ServerSpec {
  return {
    name: 'node',
    command: ['unshare', '--pid', '--mount', '--net', '--fork', '--kill-child=KILL', '--mount-proc', '--', tini, '-s', '--', 'sleep', 'infinity'],
    cwd,
    ready: async () => true,
  };
}

/** The command that runs another in the namespaces of the node. */
export const inNode = (init: number, command: readonly string[]): readonly string[] => [
  'nsenter',
  `--target=${init}`,
  '--pid',
  '--mount',
  '--net',
  '--',
  ...command,
];

/** The same for a server that needs nothing of a node but its network: it stays a child of the keeper, and hears its signals. */
export const inNetwork = (init: number, command: readonly string[]): readonly string[] => ['nsenter', `--target=${init}`, '--net', '--', ...command];

/** The process id of the node's first process, as the machine counts. */
export async function firstProcess(unshare: number, signal: AbortSignal): Promise<number> {
  for (;;) {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=,comm=', '--ppid', `${unshare}`]).catch(() => ({ stdout: '' }));
    const [pid = '', command] = stdout.trim().split(/\s+/);
    if (command === 'tini') return Number(pid);
    await sleep(20, undefined, { signal });
  }
}

/**
 * Shell commands that make these directories the namespaces' own: empty ones, and ones that look like the machine's until
 * something is written, for programs that write to fixed places. Nothing of what is mounted or written there is seen outside.
 */
export function ownDirectories(empty: readonly string[], overlaid: readonly string[]): string {
  const overlay = (directory: string) => {
    const [upper, work] = ['upper', 'work'].map((name) => `/run/overlay${directory}/${name}`);
    return `mkdir -p ${upper} ${work}; mount -t overlay overlay -o lowerdir=${directory},upperdir=${upper},workdir=${work} ${directory}`;
  };
  return ['mount --make-rshared /', ...['/run', ...empty].map((directory) => `mount -t tmpfs tmpfs ${directory}`), ...overlaid.map(overlay)].join('\n');
}

// Machine and pods see each other; what leaves the node carries its address, because the machine has no way to a pod's.
const network = ({ host, node }: Wire) => `
ip link set lo up
ip address add ${node}/30 dev eth0
ip link set eth0 up
ip route add default via ${host}
echo 1 > /proc/sys/net/ipv4/ip_forward
nft add table ip leaving
nft add chain ip leaving post '{ type nat hook postrouting priority 100 ; }'
nft add rule ip leaving post oifname eth0 ip saddr != ${node} masquerade
`;

/** Makes the namespaces a machine of their own, with a wire to this one. */
export async function layWire(init: number, directory: string, env: Readonly<Record<string, string>>): Promise<Wire> {
  const sh = (command: readonly string[]) => promisify(execFile)(command[0] ?? '', command.slice(1), { env: { ...process.env, ...env } });
  // the kubelet links logs below /var/log, and CNI keeps what it gave to whom below /var/lib
  await sh(inNode(init, ['sh', '-ec', ownDirectories(['/var/log'], ['/var/lib'])]));
  const wire = await plugIn(init, sh);
  await sh(['ip', 'address', 'add', `${wire.host}/30`, 'dev', wire.device]);
  await sh(['ip', 'link', 'set', wire.device, 'up', 'alias', nameOf(directory)]);
  await sh(inNode(init, ['sh', '-ec', network(wire)]));
  return wire;
}

/** The device's name is the claim on its addresses: of two clusters that start at once only one gets it. */
async function plugIn(init: number, sh: (command: readonly string[]) => Promise<unknown>): Promise<Wire> {
  const taken = new Set(Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)));
  let refused: unknown;
  for (let n = 0; n < 64; n += 1) {
    const wire = { device: `grue${n}`, host: `172.31.255.${4 * n + 1}`, node: `172.31.255.${4 * n + 2}` };
    if (taken.has(wire.host) || taken.has(wire.node)) continue;
    try {
      await sh(['ip', 'link', 'add', wire.device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${init}`]);
      return wire;
    } catch (error) {
      refused = error;
    }
  }
  throw new StackError(
    'STACK-HOST',
    `no virtual network device can be made: ${(refused as { stderr?: string })?.stderr?.trim() ?? 'all of 172.31.255.0/24 is taken'}`,
  );
}

/** The name of what a cluster has on the machine, made of its directory, so that who cleans up finds it. */
const nameOf = (directory: string): string => `grue-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;

/** The control group of everything in the cluster's pods. */
export const controlGroup = nameOf;

export function makeControlGroups(directory: string): void {
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, controlGroup(directory)), { recursive: true });
}

/** Forgets a node whose processes have been told to end. If one of them does not, the directory stays for the next who cleans up. */
export async function clearNode(directory: string): Promise<void> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (isPopulated(directory) && Date.now() < deadline) await sleep(20);
  const removed = await Promise.all(hierarchies().map((hierarchy) => removeGroup(join(hierarchy, controlGroup(directory)), deadline)));
  for (const device of devicesOf(directory)) await promisify(execFile)('ip', ['link', 'delete', device]).catch(() => {});
  if (!removed.includes(false)) await forget(directory);
}

const namespaceFile = (directory: string) => join(directory, 'process-namespace');

/** Notes the node's process namespace, so that who ends it can wait until the last process in it is gone. */
export function noteNamespace(directory: string, init: number): void {
  writeFileSync(namespaceFile(directory), readlinkSync(`/proc/${init}/ns/pid`));
}

function isPopulated(directory: string): boolean {
  if (!existsSync(namespaceFile(directory))) return false;
  const namespace = readFileSync(namespaceFile(directory), 'utf8');
  return readdirSync('/proc').some((name) => {
    try {
      return readlinkSync(`/proc/${name}/ns/pid`) === namespace;
    } catch {
      return false; // no process, or not any more
    }
  });
}

function devicesOf(directory: string): readonly string[] {
  const devices = readdirSync('/sys/class/net').filter((device) => device.startsWith('grue'));
  return devices.filter((device) => {
    try {
      return readFileSync(`/sys/class/net/${device}/ifalias`, 'utf8').trim() === nameOf(directory);
    } catch {
      return false; // gone meanwhile
    }
  });
}

const GONE_WITHIN_MS = 10_000;

/** A group goes when the last process in it is gone, which the kernel is about to see to. */
async function removeGroup(group: string, deadline: number): Promise<boolean> {
  if (!existsSync(group)) return true;
  for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) await removeGroup(join(group, entry.name), deadline);
  for (;;) {
    try {
      rmdirSync(group);
      return true;
    } catch {
      if (!existsSync(group)) return true;
      if (Date.now() > deadline) return false;
    }
    await sleep(20);
  }
}

function hierarchies(): readonly string[] {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).flatMap(([, place = '', type = '']) => (type === 'cgroup' || type === 'cgroup2' ? [place] : []));
}
