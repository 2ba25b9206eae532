import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Jdk } from '../jdk.ts';
import type { ServerSpec } from '../server.ts';

/** Who may come in through the SASL listener, with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
export const USER = { name: 'grue', password: 'grue-secret' } as const;

export interface KafkaInstallation {
  readonly home: string;
  readonly jdk: Jdk;
  readonly jars: readonly string[];
  /** JVM flags that use the class archive. */
  readonly archive: readonly string[];
}

export interface KafkaPorts {
  /** The address of the first two; the controller is the broker's own affair. */
  readonly listen: string;
  readonly plain: number;
  readonly sasl: number;
  readonly controller: number;
}

/** Lays out the broker's directory and tells how to run it. Its cluster id is new each time. */
export async function brokerSpec(installed: KafkaInstallation, directory: string, ports: KafkaPorts): Promise<ServerSpec> {
  await mkdir(directory, { recursive: true });
  const data = join(directory, 'data');
  await cp(join(installed.home, 'formatted'), data, { recursive: true });
  const properties = join(data, 'meta.properties');
  const formatted = await readFile(properties, 'utf8');
  await writeFile(
    properties,
    formatted.replace(/^(cluster\.id|directory\.id)=.*$/gm, (_, name) => `${name}=${uuid()}`),
  );
  await writeFile(join(directory, 'server.properties'), serverProperties(data, ports));
  return {
    name: 'kafka',
    command: [...jvm(installed), ...installed.archive, 'kafka.Kafka', join(directory, 'server.properties')],
    cwd: directory,
    ready: (signal) => answersMetadata(ports, signal),
  };
}

/** The command up to the main class. */
export function jvm({ home, jdk, jars }: KafkaInstallation): readonly string[] {
  return [
    join(jdk.home, 'bin/java'),
    ...['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'],
    `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
    ...['-cp', jars.join(delimiter)],
  ];
}

/** As the broker writes its ids: 16 bytes in base64url; a leading dash would read as an option on a command line. */
function uuid(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? uuid() : id;
}

/**
 * One node that is broker and controller. Small buffers and partition counts keep it at about 200 MiB; retention and
 * compaction look often, so that a test can wait for them; the record limit lets a 10 MB record exist. A broker that was
 * killed may register again when its session is over: the default of 9 s would be the time of every restart.
 */
export function serverProperties(data: string, ports: KafkaPorts): string {
  const jaas = (login: string) => `org.apache.kafka.common.security.${login}`;
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports.controller}
listeners=PLAINTEXT://${ports.listen}:${ports.plain},SASL://${ports.listen}:${ports.sasl},CONTROLLER://127.0.0.1:${ports.controller}
advertised.listeners=PLAINTEXT://${ports.listen}:${ports.plain},SASL://${ports.listen}:${ports.sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=${jaas('plain.PlainLoginModule')} required user_${USER.name}="${USER.password}";
listener.name.sasl.scram-sha-256.sasl.jaas.config=${jaas('scram.ScramLoginModule')} required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=${jaas('scram.ScramLoginModule')} required;
log.dirs=${data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
num.network.threads=2
num.io.threads=2
log.segment.bytes=67108864
log.initial.task.delay.ms=500
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=1000
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=16777216
`;
}

const METADATA_KEY = 3;
const METADATA_VERSION = 1;

/** Whether a Metadata request names a broker: it does once the broker is registered with its controller and unfenced. */
function answersMetadata({ listen, plain }: KafkaPorts, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect({ host: listen, port: plain, signal });
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => resolve(false));
  socket.on('connect', () => socket.write(emptyMetadataRequest()));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    // length, correlation id, then the number of brokers
    if (received.length < 12) return;
    resolve(received.readInt32BE(8) > 0);
    socket.destroy();
  });
  return promise;
}

/** A Metadata request for no topic, by hand: the stack has no Kafka client of its own. */
function emptyMetadataRequest(): Buffer {
  const request = Buffer.alloc(18);
  request.writeInt32BE(14, 0);
  request.writeInt16BE(METADATA_KEY, 4);
  request.writeInt16BE(METADATA_VERSION, 6);
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(0, 14); // no topics
  return request;
}
