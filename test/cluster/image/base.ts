import { chmod, copyFile, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached } from '../../stack/cache.ts';
import { type Progress, run } from '../../stack/commands.ts';
import { unpacked } from '../local/debian.ts';
import { writeImage } from './archive.ts';

const NPM = '11.21.2';
const RECIPE = 1; // counts changes of what this file makes

/** Archives of the images that the Dockerfile starts from, and their tags. */
export interface Bases {
  readonly build: string;
  readonly runtime: string;
  readonly archives: readonly string[];
}

/** The authorities that this machine trusts, where Debian keeps them: npm in the image goes out the same way as npm out here. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Stands in for `node:24-bookworm-slim` and for a distroless Node where no image registry is: the same Debian packages and
 * this Node. The runtime has no shell and no npm, which shows that what we ship needs none.
 */
export async function localBases(progress: Progress, signal: AbortSignal): Promise<Bases> {
  const key = `image-bases-node-${process.versions.node}-npm-${NPM}-${RECIPE}-${process.arch}`;
  const tags = { build: `localhost/grue-base:${process.versions.node}-${RECIPE}`, runtime: `localhost/grue-runtime:${process.versions.node}-${RECIPE}` };
  const making = { progress, signal, complete: true };
  const directory = await cached(key, making, async (path) => {
    const runtime = join(path, 'runtime');
    await cp(await unpacked(['libstdc++6', 'base-files'], making), runtime, { recursive: true, verbatimSymlinks: true });
    await addNode(runtime);
    await writeImage(join(path, 'runtime.tar'), { tag: tags.runtime, root: runtime });

    const build = join(path, 'build');
    await cp(await unpacked(['libstdc++6', 'base-files', 'dash', 'coreutils'], making), build, { recursive: true, verbatimSymlinks: true });
    await addNode(build);
    await addNpm(build, path, signal);
    await writeImage(join(path, 'build.tar'), { tag: tags.build, root: build, env: [`NODE_EXTRA_CA_CERTS=${AUTHORITIES}`] });
    await run(['rm', '-r', build, runtime], { cwd: path, signal, log: join(path, 'base.log') });
  });
  return { ...tags, archives: [join(directory, 'build.tar'), join(directory, 'runtime.tar')] };
}

async function addNode(root: string): Promise<void> {
  await mkdir(join(root, 'usr/local/bin'), { recursive: true });
  await copyFile(process.execPath, join(root, 'usr/local/bin/node'));
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true });
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
  await mkdir(join(root, 'tmp'), { recursive: true });
  await chmod(join(root, 'tmp'), 0o1777);
}

async function addNpm(root: string, path: string, signal: AbortSignal): Promise<void> {
  await copyFile(AUTHORITIES, join(root, AUTHORITIES));
  const fetched = join(path, 'npm');
  await mkdir(fetched);
  await writeFile(join(fetched, 'package.json'), '{"private": true}');
  await run(['npm', 'install', '--no-audit', '--no-fund', `npm@${NPM}`], { cwd: fetched, signal, log: join(path, 'base.log') });
  const modules = join(root, 'usr/local/lib/node_modules');
  await mkdir(dirname(join(modules, 'npm')), { recursive: true });
  await cp(join(fetched, 'node_modules/npm'), join(modules, 'npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
}
