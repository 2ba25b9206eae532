import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, which } from '../commands.ts';
import { StackError } from '../errors.ts';

/** What `go build` is asked for: a directory of `build/`, whose module files pin every module by its checksum. */
export interface GoBuild {
  readonly module: 'etcd' | 'kubernetes' | 'node' | 'helm' | 'pods';
  /** `tool` for the tools of the module file, or packages of the module's own. */
  readonly packages: readonly string[];
  /** `-ldflags`, beside those that leave symbols out. */
  readonly flags?: string;
  /** The name of the one program; without, each has that of its package. */
  readonly output?: string;
}

/** Builds into the directory, which is made. It holds the log until the caller has renamed it. */
export async function goBuild({ module, packages, flags = '', output = '' }: GoBuild, directory: string, signal: AbortSignal): Promise<void> {
  const source = join(directory, 'source');
  await cp(join(import.meta.dirname, 'build', module), source, { recursive: true });
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly', GOWORK: 'off', GOTOOLCHAIN: process.env['GOTOOLCHAIN'] ?? 'auto' };
  const command = ['go', 'build', '-v', '-trimpath', '-ldflags', `-s -w ${flags}`, '-o', `${directory}/${output}`, ...packages];
  await run(command, { cwd: source, env, signal, log: join(directory, 'build.log') });
  await rm(source, { recursive: true });
}

/** How far a build in this directory is, for the lines that tell that it goes on: `go build -v` names each package when it begins with it. */
export function compiledSoFar(directory: string): string {
  try {
    return `, ${readFileSync(join(directory, 'build.log'), 'latin1').split('\n').length - 1} packages compiled`;
  } catch {
    return '';
  }
}

/** @throws StackError STACK-GO */
export function requireGo(whatFor: string, fix: string): void {
  if (which('go') === undefined) throw new StackError('STACK-GO', `Go is needed to build ${whatFor}, and there is no go in PATH`, fix);
  const version = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } }).trim();
  const [, major, minor] = version.match(/^go(\d+)\.(\d+)/) ?? [];
  if (Number(major) === 1 && Number(minor) < 21) throw new StackError('STACK-GO', `Go 1.21 or newer is needed to build ${whatFor}, this is ${version}`, fix);
}
