import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cached, isCached } from '../cache.ts';
import { type Progress, run } from '../commands.ts';
import { findJdk, type Jdk } from '../jdk.ts';
import { archiveFlags, classArchive } from '../jvm.ts';
import { fetchJars, requireMaven } from '../maven.ts';
import type { Need } from '../needs.ts';
import { freePorts, LOOPBACK } from '../ports.ts';
import { type ElasticsearchInstallation, nodeSpec } from './node.ts';

const VERSION = '9.5.3';
const OLDEST_JDK = 21;
const RECIPE = 1; // counts changes of what this file makes
const ARTIFACTS = [`org.elasticsearch:elasticsearch:${VERSION}`, `org.elasticsearch.plugin:transport-netty4:${VERSION}`];
const KEY = `elasticsearch-${VERSION}-${RECIPE}`;

/** What must be on the machine, each as a function that throws when it is not. */
export const elasticsearchNeeds = (): readonly Need[] => [
  () => {
    const { major } = findJdk(OLDEST_JDK);
    if (!isCached(keyFor(major))) requireMaven();
  },
];

const keyFor = (jdkMajor: number) => `${KEY}-jdk-${jdkMajor}`;

/** Brings the node into the cache: jars and modules, our launcher compiled against them, an archive of its loaded classes. */
export async function installElasticsearch(progress: Progress, signal: AbortSignal): Promise<ElasticsearchInstallation> {
  const jdk = findJdk(OLDEST_JDK);
  const making = { progress, signal };
  const home = await cached(keyFor(jdk.major), making, async (path) => {
    await fetchJars(ARTIFACTS, path, signal);
    await Promise.all(['config', 'plugins'].map((name) => mkdir(join(path, name))));
    await writeFile(join(path, 'log4j2.properties'), LOGGING);
    await layTransportModule(path, jdk, signal);
    await compileOurs(path, jdk, signal);
  });
  const installed = await installation(home, jdk);
  const archive = await classArchive(KEY, jdk, making, async (flags, directory) => {
    const [http = 0, transport = 0] = await freePorts(2);
    return nodeSpec({ ...installed, archive: flags }, directory, { listen: LOOPBACK, http, transport });
  });
  return { ...installed, archive: archiveFlags(archive) };
}

async function installation(home: string, jdk: Jdk): Promise<ElasticsearchInstallation> {
  const jars = (await readdir(join(home, 'jars'))).sort().map((jar) => join(home, 'jars', jar));
  return { home, jdk, jars: [join(home, 'launcher.jar'), ...jars], archive: [] };
}

/** The transport is a module with a class loader of its own: its jars must not be on the class path as well. */
async function layTransportModule(home: string, jdk: Jdk, signal: AbortSignal): Promise<void> {
  const module = join(home, 'modules', 'transport-netty4');
  await mkdir(module, { recursive: true });
  const jars = (await readdir(join(home, 'jars'))).filter((jar) => /^(netty-|transport-netty4-)/.test(jar));
  await Promise.all(jars.map((jar) => rename(join(home, 'jars', jar), join(module, jar))));
  const log = join(home, 'build.log');
  await run([join(jdk.home, 'bin/jar'), 'xf', join(module, `transport-netty4-${VERSION}.jar`), 'META-INF/es-plugins'], { cwd: module, signal, log });
  const descriptor = await readFile(join(module, 'META-INF/es-plugins/transport-netty4/plugin-descriptor.properties'), 'utf8');
  // named as a Java module it would ask for the server as one too, which a class path is not
  await writeFile(join(module, 'plugin-descriptor.properties'), descriptor.replace(/^modulename=.*$/m, ''));
}

async function compileOurs(home: string, jdk: Jdk, signal: AbortSignal): Promise<void> {
  const options = { cwd: home, signal, log: join(home, 'build.log') };
  const tool = (name: string) => join(jdk.home, 'bin', name);
  const jars = (await readdir(join(home, 'jars'))).map((jar) => join(home, 'jars', jar));
  const sources = ['LocalNode.java', 'RootPlugin.java'].map((name) => join(import.meta.dirname, name));
  await run([tool('javac'), '-d', join(home, 'classes'), '-cp', jars.join(delimiter), ...sources], options);
  const module = join(home, 'modules', 'local-root');
  await mkdir(module);
  await run([tool('jar'), 'cf', join(home, 'launcher.jar'), '-C', 'classes', 'LocalNode.class'], options);
  const plugin = (await readdir(join(home, 'classes'))).filter((name) => name.startsWith('RootPlugin'));
  await run([tool('jar'), 'cf', join(module, 'local-root.jar'), ...plugin.flatMap((name) => ['-C', 'classes', name])], options);
  await writeFile(join(module, 'plugin-descriptor.properties'), DESCRIPTOR);
}

const DESCRIPTOR = `name=local-root
description=Name and version at the root
version=${VERSION}
elasticsearch.version=${VERSION}
java.version=21
classname=RootPlugin
`;

const LOGGING = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1.} %m%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
`;
