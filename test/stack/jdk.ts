import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { which } from './commands.ts';
import { StackError } from './errors.ts';

export interface Jdk {
  readonly home: string;
  readonly major: number;
  readonly version: string;
}

/** The newest that the recipes were tried with; a newer one is taken only when there is nothing else. */
const NEWEST_TRIED = 25;

/** Finds a JDK (with javac) of at least this major version: that of JAVA_HOME if it will do, else the best of the machine. @throws StackError STACK-JDK, saying what was found */
export function findJdk(least: number, env = process.env): Jdk {
  const found = candidates(env)
    .map(readJdk)
    .filter((jdk) => jdk !== undefined);
  const order = (jdk: Jdk) => (jdk.major <= NEWEST_TRIED ? jdk.major : -jdk.major);
  const fit = found.filter((jdk) => jdk.major >= least).sort((a, b) => order(b) - order(a));
  const best = fit.find((jdk) => jdk.home === env['JAVA_HOME']) ?? fit[0];
  if (best !== undefined) return best;
  const seen = found.map((jdk) => `${jdk.major} in ${jdk.home}`).join(', ') || 'none';
  throw new StackError(
    'STACK-JDK',
    `a JDK ${least} or newer with javac is needed; found: ${seen}`,
    'install one (Debian and Ubuntu: apt-get install openjdk-21-jdk-headless or temurin-25-jdk; macOS: brew install openjdk) or point JAVA_HOME at it',
  );
}

/** JAVA_HOME first, then JAVA_HOME_25_X64 and its like (CI images), then the usual places, then what PATH leads to. */
function candidates(env: NodeJS.ProcessEnv): string[] {
  const named = Object.keys(env)
    .filter((name) => /^JAVA.*HOME/.test(name))
    .sort()
    .map((name) => env[name] ?? '');
  const usual = ['/usr/lib/jvm', '/opt', '/usr/local', '/opt/java', join(homedir(), '.sdkman/candidates/java'), join(homedir(), '.jdks')].flatMap(children);
  const javac = which('javac', env);
  const onPath = javac === undefined ? [] : [dirname(dirname(realpathSync(javac)))];
  return [...new Set([...named, ...usual, ...brewed(), ...macHomes(), ...onPath].filter((home) => home !== ''))];
}

function children(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function brewed(): string[] {
  const kegs = ['/opt/homebrew/opt', '/usr/local/opt'].flatMap(children).filter((keg) => keg.includes('openjdk'));
  return kegs.map((keg) => join(keg, 'libexec/openjdk.jdk/Contents/Home'));
}

function macHomes(): string[] {
  if (process.platform !== 'darwin') return [];
  return ['/Library/Java/JavaVirtualMachines', join(homedir(), 'Library/Java/JavaVirtualMachines')].flatMap(children).map((jvm) => join(jvm, 'Contents/Home'));
}

/** The `release` file tells the version without starting a JVM; a few builds have none and are asked. */
function readJdk(home: string): Jdk | undefined {
  if (!existsSync(join(home, 'bin/javac'))) return undefined;
  const version = released(home) ?? asked(home);
  const major = Number(version?.match(/^(?:1\.)?(\d+)/)?.[1]);
  return version === undefined || Number.isNaN(major) ? undefined : { home, major, version };
}

function released(home: string): string | undefined {
  try {
    return readFileSync(join(home, 'release'), 'utf8').match(/^JAVA_VERSION="(.*)"/m)?.[1];
  } catch {
    return undefined;
  }
}

function asked(home: string): string | undefined {
  try {
    return execFileSync(join(home, 'bin/javac'), ['-version'], { encoding: 'utf8' }).match(/javac (\S+)/)?.[1];
  } catch {
    return undefined;
  }
}
