import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../stack/cache.ts';
import { type Progress, run } from '../stack/commands.ts';
import { StackError } from '../stack/errors.ts';

/** The newest minor that builds from its Go module: later ones replace a part of themselves by a directory that the module leaves out. */
const VERSION = '3.2.0';
const RECIPE = 1; // counts changes of what this file makes
const MODULE = 'github.com/argoproj/argo-cd/v3';

export interface ArgoCdBinaries {
  /** All servers and the command line; which one it is its environment says. */
  readonly argocd: string;
  /** The path of a Redis; its one argument is the address that it listens on. */
  readonly redis: string;
  /** What its own installation applies: definitions, accounts, rights, settings, and pods. */
  readonly manifests: string;
}

/** Argo CD and what it needs beside it, built once from Go modules that are pinned by their checksums. */
export async function findArgoCd(progress: Progress, signal: AbortSignal): Promise<ArgoCdBinaries> {
  const key = `argo-cd-${VERSION}-${RECIPE}-${process.platform}-${process.arch}`;
  const home = await cached(key, { progress, signal }, (path) => build(path, progress, signal));
  return { argocd: join(home, 'argocd'), redis: join(home, 'redis'), manifests: join(home, 'install.yaml') };
}

async function build(path: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const source = join(path, 'source');
  await cp(join(import.meta.dirname, 'argo-cd-build'), source, { recursive: true });
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly', GOWORK: 'off', GOTOOLCHAIN: process.env['GOTOOLCHAIN'] ?? 'auto' };
  const go = (log: string, ...args: readonly string[]) => run(['go', ...args], { cwd: source, env, signal, log: join(path, log) });
  const compile = (what: string, name: string, flags = '') => go('build.log', 'build', '-trimpath', '-ldflags', `-s -w ${flags}`, '-o', join(path, name), what);
  progress(`Argo CD ${VERSION}: building (about four minutes on two processors)`);
  await go('build.log', 'mod', 'download', MODULE);
  await go('module', 'list', '-m', '-f', '{{.Dir}}', MODULE);
  const module = (await readFile(join(path, 'module'), 'utf8')).trim();
  const copy = join(source, 'argo-cd');
  await run(['cp', '-R', module, copy], { cwd: source, signal, log: join(path, 'build.log') });
  await run(['chmod', '-R', 'u+w', copy], { cwd: source, signal, log: join(path, 'build.log') });
  await keepOnLoopback(join(copy, 'controller/appcontroller.go'));
  await go('build.log', 'mod', 'edit', '-replace', `${MODULE}=./argo-cd`);
  await compile(`${MODULE}/cmd`, 'argocd', `-X ${MODULE}/common.version=${VERSION}`);
  await compile('./redis', 'redis');
  await writeFile(join(path, 'install.yaml'), await readFile(join(module, 'manifests/install.yaml')));
  await rm(source, { recursive: true });
}

/**
 * All of it can be told where to listen but the metrics of its controller, which would be on every address of this machine. Nothing else of it
 * is changed.
 */
async function keepOnLoopback(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const changed = text.replace('fmt.Sprintf("0.0.0.0:%d", metricsPort)', 'fmt.Sprintf("127.0.0.1:%d", metricsPort)');
  if (changed === text) throw new StackError('STACK-BUILD', `${file} does not say where its metrics are, as that of Argo CD ${VERSION} does`);
  await writeFile(file, changed);
}
