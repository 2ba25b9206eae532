import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../../../scripts/processes.ts';
import { cached } from '../../stack/cache.ts';
import type { Progress } from '../../stack/commands.ts';
import { cacheHome } from '../../stack/paths.ts';
import { archiveOf } from './archive.ts';
import { localBases } from './base.ts';
import { type Docker, hasDocker, machineDocker, withOwnDocker } from './docker.ts';

interface Building {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

const REPOSITORY = 'grue';
/** Archives of images that are kept: a few, because each change of the source makes another. */
const KEPT = 3;

/**
 * The image of this working tree, built when anything that goes in has changed since. Its bill of materials is put into
 * `out/`, and its archive is kept where `loadImage` finds it. With a Docker on this machine the bases of the Dockerfile are
 * used, else ones that are made here.
 *
 * @returns its tag, which names the content: `grue:<digest>`
 */
export async function buildImage({ progress = () => {}, signal = new AbortController().signal }: Building = {}): Promise<string> {
  const making = { progress, signal };
  const onMachine = await hasDocker();
  const tag = `${REPOSITORY}:${contentDigest(onMachine ? 'published base' : `local base ${process.versions.node}`)}`;
  const archive = archiveOf(tag);
  await cached(archive.slice(cacheHome().length + 1), making, async (path) => {
    const began = Date.now();
    if (onMachine) await build(machineDocker(making), tag, path, []);
    else await buildOnLocalBases(tag, path, making);
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    progress(`${tag}: ${Math.ceil((await stat(path)).size / 2 ** 20)} MiB, built in ${seconds} s`);
  });
  await forgetOldest(dirname(archive));
  return tag;
}

async function buildOnLocalBases(tag: string, archive: string, making: Required<Building>): Promise<void> {
  const bases = await localBases(making.progress, making.signal);
  await withOwnDocker(making, async (docker) => {
    for (const [index, base] of [bases.build, bases.runtime].entries()) {
      await docker('image', 'inspect', base).catch(() => docker('load', '--quiet', '--input', bases.archives[index] ?? ''));
    }
    await build(docker, tag, archive, ['--network=host', '--build-arg', `BASE=${bases.build}`, '--build-arg', `RUNTIME=${bases.runtime}`]);
    // its layers stay, as the cache of the next build
    await docker('image', 'rm', tag);
    await docker('builder', 'prune', '--force', '--keep-storage', '4GB');
  });
}

async function build(docker: Docker, tag: string, archive: string, more: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const npmrc = join(homedir(), '.npmrc');
  const secret = existsSync(npmrc) ? ['--secret', `id=npmrc,src=${npmrc}`] : [];
  await docker('build', '--progress=plain', '--tag', tag, '--build-arg', `VERSION=${version}`, ...secret, ...more, root);
  await docker('save', tag, '--output', archive);
  const container = `grue-sbom-${process.pid}`;
  await docker('create', '--name', container, tag);
  await mkdir(join(root, 'out'), { recursive: true });
  try {
    await docker('cp', `${container}:/app/sbom.cdx.json`, join(root, 'out/sbom.cdx.json'));
  } finally {
    await docker('rm', container);
  }
}

/** Of all that `.dockerignore` lets in, of the Dockerfile, and of what it starts from. */
function contentDigest(base: string): string {
  const admitted = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  const hash = createHash('sha256').update(base);
  for (const path of ['Dockerfile', ...admitted.map((line) => line.slice(1))].flatMap(filesIn)) {
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex').slice(0, 12);
}

function filesIn(path: string): readonly string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

async function forgetOldest(directory: string): Promise<void> {
  const archives = (await readdir(directory)).filter((name) => name.endsWith('.tar')).map((name) => join(directory, name));
  const newestFirst = archives.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const archive of newestFirst.slice(KEPT)) await rm(archive, { force: true });
}
