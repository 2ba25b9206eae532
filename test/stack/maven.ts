import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../../scripts/lock.js';
import { run, which } from './commands.ts';
import { StackError } from './errors.ts';
import { findJdk } from './jdk.ts';
import { cacheHome } from './paths.ts';

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/**
 * Puts artifacts and all that they need at run time into `<directory>/jars`.
 * @param artifacts `group:artifact:version`
 */
export async function fetchJars(artifacts: readonly string[], directory: string, signal: AbortSignal): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'pom.xml'), pom(artifacts));
  const command = ['mvn', '-B', '-ntp', COPY, '-DincludeScope=runtime', `-DoutputDirectory=${join(directory, 'jars')}`];
  const options = { cwd: directory, env: environment(), signal, log: join(directory, 'maven.log') };
  // Maven 3 does not guard its local repository against a second Maven that fills it at the same time.
  await withLock(join(cacheHome(), 'maven.lock'), () => run(command, options), { signal });
}

/** @throws StackError STACK-MAVEN */
export function requireMaven(): void {
  const fix = 'install it (Debian and Ubuntu: apt-get install maven; macOS: brew install maven)';
  if (which('mvn') === undefined)
    throw new StackError('STACK-MAVEN', 'Maven 3.8 or newer is needed to fetch Kafka and Elasticsearch, and there is no mvn in PATH', fix);
  const said = execFileSync('mvn', ['--version'], { encoding: 'utf8', env: { ...process.env, ...environment() } });
  const [, version = '', major, minor] = said.match(/Apache Maven ((\d+)\.(\d+)\S*)/) ?? [];
  if (Number(major) === 3 && Number(minor) < 8)
    throw new StackError('STACK-MAVEN', `Maven 3.8 or newer is needed to fetch Kafka and Elasticsearch, this is ${version}`, fix);
}

/** Maven uses the Java that its user has set up for it (trust stores, proxies); only without any do we name one. */
function environment(): Record<string, string> {
  const home = process.env['JAVA_HOME'];
  const usable = home === undefined ? which('java') !== undefined : existsSync(join(home, 'bin/java'));
  return usable ? {} : { JAVA_HOME: findJdk(17).home };
}

function pom(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':');
    return `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.grue</groupId><artifactId>stack</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}
