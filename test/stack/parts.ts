import { join } from 'node:path';
import { installElasticsearch } from './elasticsearch/install.ts';
import { nodeSpec } from './elasticsearch/node.ts';
import { brokerSpec, USER } from './kafka/broker.ts';
import { installKafka } from './kafka/install.ts';
import type { Keeper } from './keeper.ts';
import { findBinaries } from './kubernetes/binaries.ts';
import { apiServerSpec, controllerManagerSpec, etcdSpec, layOutCluster } from './kubernetes/cluster.ts';
import { freePorts } from './ports.ts';
import type { ElasticsearchState, KafkaState, KubernetesState } from './protocol.ts';

export async function bringUpKubernetes(keeper: Keeper): Promise<KubernetesState> {
  const binaries = await findBinaries(keeper.progress, keeper.signal);
  const [etcd = 0, etcdPeer = 0, api = 0] = await freePorts(3);
  const layout = await layOutCluster(join(keeper.directory, 'kubernetes'), { etcd, etcdPeer, api });
  await keeper.start(etcdSpec(binaries, layout));
  await keeper.start(apiServerSpec(binaries, layout));
  const { controllerManager } = binaries;
  if (controllerManager !== undefined) await keeper.start(controllerManagerSpec(controllerManager, layout));
  return {
    kubeconfigPath: layout.kubeconfigPath,
    kubectl: binaries.kubectl,
    server: layout.server,
    controllerManager: controllerManager !== undefined,
    authority: layout.directory,
  };
}

export async function bringUpKafka(keeper: Keeper): Promise<KafkaState> {
  const installed = await installKafka(keeper.progress, keeper.signal);
  const [plain = 0, sasl = 0, controller = 0] = await freePorts(3);
  await keeper.start(await brokerSpec(installed, join(keeper.directory, 'kafka'), { plain, sasl, controller }));
  return { bootstrapServers: `127.0.0.1:${plain}`, saslBootstrapServers: `127.0.0.1:${sasl}`, user: USER.name, password: USER.password };
}

export async function bringUpElasticsearch(keeper: Keeper): Promise<ElasticsearchState> {
  const installed = await installElasticsearch(keeper.progress, keeper.signal);
  const [http = 0, transport = 0] = await freePorts(2);
  await keeper.start(await nodeSpec(installed, join(keeper.directory, 'elasticsearch'), { http, transport }));
  return { url: `http://127.0.0.1:${http}` };
}
