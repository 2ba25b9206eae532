import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../../stack/cache.ts';
import { type Progress, run, which } from '../../stack/commands.ts';
import { StackError } from '../../stack/errors.ts';
import type { Need } from '../../stack/needs.ts';

/** What runs containers and builds images. */
const TOOLS = ['containerd', 'runc', 'containernetworking-plugins', 'nftables', 'tini', 'docker.io'];

interface Unpacking {
  /** With all that they depend on, as if on an empty disk; without, only what this machine does not have. */
  readonly complete?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const FIX = 'elsewhere install Docker and kind (https://kind.sigs.k8s.io), which are taken where they are';

/** What the local flavour asks of the machine. */
export const localNeeds: readonly Need[] = [
  () => {
    if (process.platform !== 'linux') throw new StackError('STACK-HOST', `a cluster of plain processes needs Linux, this is ${process.platform}`, FIX);
  },
  () => {
    if (process.getuid?.() !== 0) throw new StackError('STACK-HOST', 'a cluster of plain processes needs root, for its namespaces and control groups', FIX);
  },
  () => {
    const missing = ['apt-get', 'dpkg-deb', 'unshare', 'nsenter', 'ip', 'tar'].filter((program) => which(program) === undefined);
    if (missing.length > 0)
      throw new StackError('STACK-HOST', `a cluster of plain processes takes containerd from Debian's packages and needs ${missing.join(', ')}`, FIX);
  },
];

/**
 * Debian packages, unpacked into the cache and not installed: nothing of the machine changes.
 * @returns the directory that stands for `/`
 */
export async function unpacked(packages: readonly string[], { complete = false, progress, signal }: Unpacking): Promise<string> {
  const id = createHash('sha256')
    .update([...packages, complete].join(' '))
    .digest('hex')
    .slice(0, 12);
  const root = await cached(`debian-${packages[0]}-${id}-${process.arch}`, { progress, signal }, async (path) => {
    const archives = join(path, 'archives');
    await mkdir(join(archives, 'partial'), { recursive: true });
    const apt = (...args: readonly string[]) => run(['apt-get', '-qq', '-o', 'Debug::NoLocking=1', ...args], { cwd: path, signal, log: join(path, 'apt.log') });
    const base = complete ? ['-o', 'Dir::State::status=/dev/null'] : [];
    const download = () =>
      apt(...base, '-o', `Dir::Cache::archives=${archives}`, 'install', '--yes', '--no-install-recommends', '--download-only', ...packages);
    // the lists of packages may be absent, or older than what the mirror still has
    await download().catch(() => apt('update').then(download));
    for (const name of await readdir(archives)) {
      if (name.endsWith('.deb'))
        await run(['dpkg-deb', '--extract', join(archives, name), join(path, 'root')], { cwd: path, signal, log: join(path, 'apt.log') });
    }
    await rm(archives, { recursive: true });
  });
  return join(root, 'root');
}

/** Programs that run containers and build images. @returns the directory that stands for `/` */
export const containerTools = (making: { readonly progress: Progress; readonly signal: AbortSignal }): Promise<string> => unpacked(TOOLS, making);

/** The variables with which programs of an unpacked root find each other and their libraries. */
export function environmentOf(root: string): Readonly<Record<string, string>> {
  const libraries = ['usr/lib', 'lib'].map((place) => join(root, place, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`));
  return { PATH: `${root}/usr/sbin:${root}/usr/bin:${root}/sbin:${root}/bin:${process.env['PATH']}`, LD_LIBRARY_PATH: libraries.join(':') };
}
