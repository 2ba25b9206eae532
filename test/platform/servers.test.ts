import { expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import type { Platform } from '../../src/api/platform.ts';
import type { KafkaCluster, KafkaRegistry, SearchCluster } from '../../src/drivers/ports.ts';
import { serverPool } from '../../src/platform/servers.ts';

const platform = {
  metadata: { name: 'default', namespace: 'flights', uid: 'u-1', generation: 1 },
  spec: { prefix: 'grue', kafka: { bootstrapServers: ['kafka:9092'] }, elasticsearch: { url: 'http://search:9200' } },
} as Platform;

/** Servers whose identity is asked for; each answers or refuses. */
const pool = (answers: { readonly kafka: () => string; readonly search: () => string }) =>
  serverPool({
    kube: { get: () => Promise.reject(new Error('no Secret is named')) },
    clock: { monotonic: () => 0 },
    clientId: 'test',
    installation: 'here',
    openKafka: () => ({
      kafka: { clusterId: async () => answers.kafka(), close: async () => {} } as Partial<KafkaCluster> as KafkaCluster,
      registry: { claim: async () => ({ outcome: 'Ours' }) } as Partial<KafkaRegistry> as KafkaRegistry,
    }),
    openSearch: () => ({ clusterUuid: async () => answers.search(), close: async () => {} }) as Partial<SearchCluster> as SearchCluster,
  });
const refusing = (code: 'GRUE-PLT-004' | 'GRUE-PLT-005') => (): string => {
  throw new GrueError(code, 'not with these credentials');
};

test('two servers that both refuse are both told of, so that nobody has to correct one to hear of the other', async () => {
  const failure = await pool({ kafka: refusing('GRUE-PLT-004'), search: refusing('GRUE-PLT-005') })
    .servers(platform, AbortSignal.timeout(5_000))
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(GrueError);
  expect((failure as GrueError).line).toMatch(/^GRUE-PLT-004: not with these credentials; GRUE-PLT-005: not with these credentials$/);
});

test('a server that failed in the middle of a pass is asked again by the next one, however lately it answered', async () => {
  let search = (): string => 's-1';
  const servers = pool({ kafka: () => 'k-1', search: () => search() });
  await servers.servers(platform, AbortSignal.timeout(5_000));
  search = refusing('GRUE-PLT-005');
  await expect(servers.servers(platform, AbortSignal.timeout(5_000))).resolves.toMatchObject({ elasticsearchUuid: 's-1' });
  servers.doubt();
  await expect(servers.servers(platform, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'GRUE-PLT-005' });
});

test('one that refuses is told of by its own error', async () => {
  const failing = pool({ kafka: () => 'k-1', search: refusing('GRUE-PLT-005') });
  await expect(failing.servers(platform, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'GRUE-PLT-005' });
});
