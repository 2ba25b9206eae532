import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { elasticsearchNeeds, installElasticsearch } from './elasticsearch/install.ts';
import { nodeSpec } from './elasticsearch/node.ts';
import { brokerSpec, USER } from './kafka/broker.ts';
import { installKafka, kafkaNeeds } from './kafka/install.ts';
import type { Keeper } from './keeper.ts';
import { findBinaries, kubernetesNeeds } from './kubernetes/binaries.ts';
import { apiServerSpec, controllerManagerSpec, etcdSpec, layOutCluster } from './kubernetes/cluster.ts';
import { existingCluster, existingClusterNeeds } from './kubernetes/existing.ts';
import type { Need } from './needs.ts';
import { LOOPBACK, onFreePorts } from './ports.ts';
import type { ElasticsearchState, KafkaState, KeeperOptions, KubernetesState, Part } from './protocol.ts';

interface PartRecipe {
  readonly needs: (options: KeeperOptions) => readonly Need[];
  readonly bringUp: (keeper: Keeper, options: KeeperOptions) => Promise<KubernetesState | KafkaState | ElasticsearchState>;
}

export const RECIPES = {
  kubernetes: {
    needs: ({ useCluster }) => (useCluster === undefined ? kubernetesNeeds() : existingClusterNeeds()),
    bringUp: (keeper, { useCluster }) => (useCluster === undefined ? bringUpKubernetes(keeper) : existingCluster(useCluster, keeper.signal)),
  },
  kafka: { needs: kafkaNeeds, bringUp: bringUpKafka },
  elasticsearch: { needs: elasticsearchNeeds, bringUp: bringUpElasticsearch },
} satisfies Record<Part, PartRecipe>;

async function bringUpKubernetes(keeper: Keeper): Promise<KubernetesState> {
  const binaries = await findBinaries(keeper.progress, keeper.signal);
  const { controllerManager } = binaries;
  return onFreePorts(3, LOOPBACK, async ([etcd = 0, etcdPeer = 0, api = 0]) => {
    const layout = await layOutCluster(await emptied(join(keeper.directory, 'kubernetes')), { etcd, etcdPeer, api });
    await keeper.start(etcdSpec(binaries, layout));
    await keeper.start(apiServerSpec(binaries, layout));
    if (controllerManager !== undefined) await keeper.start(controllerManagerSpec(controllerManager, layout));
    return {
      kubeconfigPath: layout.kubeconfigPath,
      kubectl: binaries.kubectl,
      server: layout.server,
      controllerManager: controllerManager !== undefined,
      authority: layout.directory,
    };
  });
}

async function bringUpKafka(keeper: Keeper, { listen }: KeeperOptions): Promise<KafkaState> {
  const installed = await installKafka(keeper.progress, keeper.signal);
  return onFreePorts(3, listen, async ([plain = 0, sasl = 0, controller = 0]) => {
    await keeper.start(await brokerSpec(installed, await emptied(join(keeper.directory, 'kafka')), { listen, plain, sasl, controller }));
    return { bootstrapServers: `${listen}:${plain}`, saslBootstrapServers: `${listen}:${sasl}`, user: USER.name, password: USER.password };
  });
}

async function bringUpElasticsearch(keeper: Keeper, { listen }: KeeperOptions): Promise<ElasticsearchState> {
  const installed = await installElasticsearch(keeper.progress, keeper.signal);
  return onFreePorts(2, listen, async ([http = 0, transport = 0]) => {
    await keeper.start(await nodeSpec(installed, await emptied(join(keeper.directory, 'elasticsearch')), { listen, http, transport }));
    return { url: `http://${listen}:${http}` };
  });
}

/** An attempt that failed for its ports has left files there. */
async function emptied(directory: string): Promise<string> {
  await rm(directory, { recursive: true, force: true });
  return directory;
}
