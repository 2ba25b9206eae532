import { join } from 'node:path';
import { installElasticsearch } from './elasticsearch/install.ts';
import { nodeSpec } from './elasticsearch/node.ts';
import { brokerSpec, USER } from './kafka/broker.ts';
import { installKafka } from './kafka/install.ts';
import type { Keeper } from './keeper.ts';
import { freePorts } from './ports.ts';
import type { ElasticsearchState, KafkaState } from './protocol.ts';

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
