import { type Keeper, keep } from './keeper.ts';
import { bringUpElasticsearch, bringUpKafka, bringUpKubernetes } from './parts.ts';
import type { KeeperOptions, Part } from './protocol.ts';
import type { ServerSpec } from './server.ts';

/** The keeper's own process: one argument, KeeperOptions as JSON. */
const options = JSON.parse(process.argv[2] ?? '') as KeeperOptions;

const bringUp = {
  kubernetes: bringUpKubernetes,
  kafka: bringUpKafka,
  elasticsearch: bringUpElasticsearch,
} satisfies Record<Part, (keeper: Keeper) => Promise<unknown>>;

await keep(options.name, options.directory, async (keeper) => {
  const start = async (spec: ServerSpec) => {
    const began = Date.now();
    await keeper.start({ ...spec, processors: options.pin?.[spec.name] });
    keeper.progress(`${spec.name}: ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  };
  const facts = await Promise.all(options.only.map(async (part) => [part, await bringUp[part]({ ...keeper, start })]));
  return Object.fromEntries(facts);
});
