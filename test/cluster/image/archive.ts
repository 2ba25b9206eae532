import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../../stack/commands.ts';
import { cacheHome } from '../../stack/paths.ts';

export interface ImageContent {
  readonly tag: string;
  /** A directory that stands for `/`. */
  readonly root?: string;
  /** Programs, from their path in the image. */
  readonly files?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Writes an image of one layer as `docker save` would, without a daemon and without a registry: `docker load` and
 * containerd take it. Everything in it belongs to root.
 */
export async function writeImage(archive: string, { tag, root, files = {}, entrypoint, env = [], user }: ImageContent): Promise<void> {
  const work = `${archive}.work`;
  const tar = (...args: readonly string[]) =>
    run(['tar', '--sort=name', '--numeric-owner', '--owner=0', '--group=0', '--mtime=@0', ...args], {
      cwd: work,
      signal: new AbortController().signal,
      log: join(work, 'tar.log'),
    });
  const layer = root ?? join(work, 'root');
  for (const [path, source] of Object.entries(files)) {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await copyFile(source, join(layer, path));
    await chmod(join(layer, path), 0o755);
  }
  await mkdir(work, { recursive: true });
  await tar('-cf', 'layer.tar', '-C', layer, '.');
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Env: [PATH, ...env], ...(entrypoint && { Entrypoint: entrypoint }), ...(user && { User: user }) },
    rootfs: { type: 'layers', diff_ids: [`sha256:${await digest(join(work, 'layer.tar'))}`] },
    history: [{ created_by: 'writeImage' }],
  };
  await writeFile(join(work, 'config.json'), JSON.stringify(config));
  await writeFile(join(work, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }]));
  await tar('-cf', 'image.tar', 'manifest.json', 'config.json', 'layer.tar');
  await rename(join(work, 'image.tar'), archive);
  await rm(work, { recursive: true });
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Where the archive of an image of ours is kept. */
export const archiveOf = (tag: string): string => join(cacheHome(), 'images', `${tag.replaceAll(/[/:]/g, '_')}.tar`);
