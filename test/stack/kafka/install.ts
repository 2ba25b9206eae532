import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached, isCached } from '../cache.ts';
import { type Progress, run } from '../commands.ts';
import { findJdk, type Jdk } from '../jdk.ts';
import { archiveFlags, classArchive } from '../jvm.ts';
import { fetchJars, requireMaven } from '../maven.ts';
import type { Need } from '../needs.ts';
import { freePorts, LOOPBACK } from '../ports.ts';
import { brokerSpec, jvm, type KafkaInstallation, serverProperties, USER } from './broker.ts';

const VERSION = '4.3.1';
const LOG4J = '2.25.1'; // Kafka speaks slf4j 1.7 and brings no backend for it
const OLDEST_JDK = 17;
const RECIPE = 1; // counts changes of what this file makes
const ARTIFACTS = [
  `org.apache.kafka:kafka_2.13:${VERSION}`,
  `org.apache.logging.log4j:log4j-core:${LOG4J}`,
  `org.apache.logging.log4j:log4j-slf4j-impl:${LOG4J}`,
];
const KEY = `kafka-${VERSION}-${RECIPE}`;

/** What must be on the machine, each as a function that throws when it is not. */
export const kafkaNeeds = (): readonly Need[] => [() => findJdk(OLDEST_JDK), ...(isCached(KEY) ? [] : [requireMaven])];

/** Brings the broker into the cache: its jars, a formatted data directory to copy, an archive of its loaded classes. */
export async function installKafka(progress: Progress, signal: AbortSignal): Promise<KafkaInstallation> {
  const jdk = findJdk(OLDEST_JDK);
  const making = { progress, signal };
  const home = await cached(KEY, making, async (path) => {
    await fetchJars(ARTIFACTS, path, signal);
    await writeFile(join(path, 'log4j2.properties'), LOGGING);
    await format(await installation(path, jdk), signal);
  });
  const installed = await installation(home, jdk);
  const archive = await classArchive(KEY, jdk, making, async (flags, directory) => {
    const [plain = 0, sasl = 0, controller = 0] = await freePorts(3);
    return brokerSpec({ ...installed, archive: flags }, directory, { listen: LOOPBACK, plain, sasl, controller });
  });
  return { ...installed, archive: archiveFlags(archive) };
}

async function installation(home: string, jdk: Jdk): Promise<KafkaInstallation> {
  const jars = await readdir(join(home, 'jars'));
  return { home, jdk, jars: jars.sort().map((jar) => join(home, 'jars', jar)), archive: [] };
}

/**
 * Formatting takes a JVM of its own, more than a second: done once, each stack copies the result and gives it ids of
 * its own. The formatted directory names no port; the properties that are given here only have to be valid.
 */
async function format(installed: KafkaInstallation, signal: AbortSignal): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'grue-kafka-'));
  try {
    const data = join(installed.home, 'formatted');
    await mkdir(data);
    const properties = join(scratch, 'server.properties');
    await writeFile(properties, serverProperties(data, { listen: LOOPBACK, plain: 1, sasl: 2, controller: 3 }));
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${USER.name},password=${USER.password}]`]);
    const tool = ['kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', properties, ...scram];
    await run([...jvm(installed), ...tool], { cwd: scratch, signal, log: join(scratch, 'format.log') });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const LOGGING = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
`;
