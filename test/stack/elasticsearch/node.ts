import { existsSync, readdirSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Jdk } from '../jdk.ts';
import type { ServerSpec } from '../server.ts';

export interface ElasticsearchInstallation {
  readonly home: string;
  readonly jdk: Jdk;
  readonly jars: readonly string[];
  /** JVM flags that use the class archive. */
  readonly archive: readonly string[];
}

export interface NodePorts {
  /** The address of the first. */
  readonly listen: string;
  readonly http: number;
  readonly transport: number;
}

/** Lays out the node's directory and tells how to run it. */
export async function nodeSpec(installed: ElasticsearchInstallation, directory: string, ports: NodePorts): Promise<ServerSpec> {
  await mkdir(join(directory, 'native'), { recursive: true });
  const zstd = findZstd();
  if (zstd !== undefined) await symlink(zstd, join(directory, 'native', 'libzstd.so'));
  const url = `http://${ports.listen}:${ports.http}`;
  return {
    name: 'elasticsearch',
    command: [...jvm(installed, directory), ...installed.archive, 'LocalNode', installed.home, ...settings(directory, ports)],
    cwd: directory,
    ready: async (signal) => {
      const answer = await fetch(`${url}/_cluster/health`, { signal });
      return answer.ok && ((await answer.json()) as { status?: string }).status === 'green';
    },
  };
}

function jvm({ home, jdk, jars }: ElasticsearchInstallation, directory: string): readonly string[] {
  return [
    join(jdk.home, 'bin/java'),
    ...['-Xms512m', '-Xmx512m', '-XX:+UseSerialGC', '-Djava.awt.headless=true', `-Djava.io.tmpdir=${directory}`],
    `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
    // its own native libraries are not published; system zstd stands in for the one that index codecs need
    `-Des.nativelibs.path=${join(directory, 'native')}`,
    '-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false',
    ...['-Dio.netty.noUnsafe=true', '--enable-native-access=ALL-UNNAMED', '--add-modules=jdk.incubator.vector'],
    ...['-cp', jars.join(delimiter)],
  ];
}

function settings(directory: string, ports: NodePorts): readonly string[] {
  return [
    `path.data=${join(directory, 'data')}`,
    `path.logs=${join(directory, 'logs')}`,
    'cluster.name=grue-stack',
    'node.name=local',
    'discovery.type=single-node',
    'network.host=127.0.0.1',
    `http.host=${ports.listen}`,
    `http.port=${ports.http}`,
    `transport.port=${ports.transport}`,
    // a nearly full disk of a developer must not make indices read-only
    'cluster.routing.allocation.disk.threshold_enabled=false',
    // by default all of the used heap counts, garbage too, and a serial collector leaves garbage until the heap is full: searches would be refused
    'indices.breaker.total.use_real_memory=false',
  ];
}

/** The system's zstd, without which everything works but the codec `best_compression`. */
function findZstd(): string | undefined {
  const roots = ['/usr/lib', '/lib', '/usr/lib64', '/usr/local/lib', '/opt/homebrew/lib'].filter((root) => existsSync(root));
  const places = roots.flatMap((root) => [
    root,
    ...readdirSync(root)
      .filter((name) => name.includes('-linux-'))
      .map((name) => join(root, name)),
  ]);
  return places.flatMap((place) => ['libzstd.so.1', 'libzstd.1.dylib'].map((name) => join(place, name))).find((path) => existsSync(path));
}
