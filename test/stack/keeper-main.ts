import { keep } from './keeper.ts';
import { requireAll } from './needs.ts';
import { RECIPES } from './parts.ts';
import type { KeeperOptions } from './protocol.ts';
import type { ServerSpec } from './server.ts';

/** The keeper's own process: one argument, KeeperOptions as JSON. */
const options = JSON.parse(process.argv[2] ?? '') as KeeperOptions;

await keep(options.name, options.directory, async (keeper) => {
  requireAll(options.only.flatMap((part) => RECIPES[part].needs(options)));
  const start = async (spec: ServerSpec) => {
    const began = Date.now();
    await keeper.start({ ...spec, processors: options.pin?.[spec.name] });
    keeper.progress(`${spec.name}: ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  };
  const facts = await Promise.all(options.only.map(async (part) => [part, await RECIPES[part].bringUp({ ...keeper, start }, options)]));
  return Object.fromEntries(facts);
});
