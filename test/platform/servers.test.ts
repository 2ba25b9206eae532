import { expect, test } from 'vitest';
import { GrueError } from '../../src/api/errors.ts';
import type { Platform } from '../../src/api/platform.ts';
import type { Claim, KafkaCluster, KafkaRegistry, SearchCluster } from '../../src/drivers/ports.ts';
import { serverPool } from '../../src/platform/servers.ts';

const platform = {
  metadata: { name: 'default', namespace: 'flights', uid: 'u-1', generation: 1 },
  spec: { prefix: 'grue', kafka: { bootstrapServers: ['kafka:9092'] }, elasticsearch: { url: 'http://search:9200' } },
} as Platform;

/** Servers whose identity is asked for; each answers or refuses. */
interface Answers {
  readonly kafka: () => string;
  readonly search: () => string;
  readonly claim?: (prefix: string, installation: string) => Claim;
}
const pool = (answers: Answers) =>
  serverPool({
    kube: { get: () => Promise.reject(new Error('no Secret is named')) },
    clock: { monotonic: () => 0 },
    clientId: 'test',
    installation: 'here',
    openKafka: () => ({
      kafka: { clusterId: async () => answers.kafka(), close: async () => {} } as Partial<KafkaCluster> as KafkaCluster,
      registry: { claim: async () => ({ outcome: 'Ours' }) } as Partial<KafkaRegistry> as KafkaRegistry,
    }),
    openSearch: () =>
      ({
        clusterUuid: async () => answers.search(),
        claim: async (prefix, installation) => answers.claim?.(prefix, installation) ?? { outcome: 'Ours' },
        close: async () => {},
      }) as Partial<SearchCluster> as SearchCluster,
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

test('a Platform that was edited is connected to anew at once, and what it led to before is closed, whether or not the new servers answer', async () => {
  const opened: string[] = [];
  const closed: string[] = [];
  const servers = serverPool({
    kube: { get: () => Promise.reject(new Error('no Secret is named')) },
    clock: { monotonic: () => 0 },
    clientId: 'test',
    installation: 'here',
    openKafka: ({ bootstrapServers: [address = ''] }) => {
      opened.push(address);
      const clusterId = async () => (address === 'gone:9092' ? refusing('GRUE-PLT-004')() : address);
      return {
        kafka: { clusterId, close: async () => void closed.push(address) } as Partial<KafkaCluster> as KafkaCluster,
        registry: { claim: async () => ({ outcome: 'Ours' }) } as Partial<KafkaRegistry> as KafkaRegistry,
      };
    },
    openSearch: () =>
      ({ clusterUuid: async () => 's-1', claim: async () => ({ outcome: 'Ours' }), close: async () => {} }) as Partial<SearchCluster> as SearchCluster,
  });
  const edited = (generation: number, address: string) =>
    ({ metadata: { ...platform.metadata, generation }, spec: { ...platform.spec, kafka: { bootstrapServers: [address] } } }) as Platform;
  await servers.servers(edited(1, 'old:9092'), AbortSignal.timeout(5_000));
  await servers.servers(edited(1, 'old:9092'), AbortSignal.timeout(5_000));
  await expect(servers.servers(edited(2, 'new:9092'), AbortSignal.timeout(5_000))).resolves.toMatchObject({ kafkaClusterId: 'new:9092' });
  await expect(servers.servers(edited(3, 'gone:9092'), AbortSignal.timeout(5_000))).rejects.toThrow();
  expect(opened).toEqual(['old:9092', 'new:9092', 'gone:9092']);
  expect(new Set(closed)).toEqual(new Set(['old:9092', 'new:9092', 'gone:9092']));
});

test('one that refuses is told of by its own error', async () => {
  const failing = pool({ kafka: () => 'k-1', search: refusing('GRUE-PLT-005') });
  await expect(failing.servers(platform, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'GRUE-PLT-005' });
});

test('servers that another installation has claimed are not used, and it is said which server and which installation', async () => {
  const claimed = pool({ kafka: () => 'k-1', search: () => 's-1', claim: () => ({ outcome: 'Others', installation: 'grue/elsewhere' }) });
  const failure = (await claimed.servers(platform, AbortSignal.timeout(5_000)).catch((error: unknown) => error)) as GrueError;
  expect(failure.line).toMatch(/^GRUE-PLT-008 at spec.prefix: prefix grue of this Elasticsearch cluster belongs to installation grue\/elsewhere .*takeover/);
});

test('an installation from which servers are taken over notices at its next look, and stops using them', async () => {
  let holder = 'here';
  const claim = (_prefix: string, installation: string): Claim => (holder === installation ? { outcome: 'Ours' } : { outcome: 'Others', installation: holder });
  const servers = pool({ kafka: () => 'k-1', search: () => 's-1', claim });
  await servers.servers(platform, AbortSignal.timeout(5_000));
  holder = 'there';
  servers.doubt();
  await expect(servers.servers(platform, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'GRUE-PLT-008' });
});
