import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type Metafile, type OnResolveArgs, type Plugin } from 'esbuild';
import { root } from './processes.ts';
import { ship } from './ship.ts';

/**
 * Bundles what runs in production: `grue.js` with a chunk for each of its commands, and the SQL checker, which the operator starts as a
 * process of its own. One file per command instead of thousands is what keeps the operator small and the command line quick.
 * @returns the directory and what esbuild made there
 */
export async function bundle(directory = join(root, 'dist')): Promise<Metafile> {
  rmSync(directory, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { grue: 'src/main.ts', checker: 'src/drivers/embedded/checker.ts' },
    outdir: directory,
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Names stay, for stack traces; the rest of the source is text that every process would keep in memory.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // A native module: it is installed beside the bundle.
    external: ['@duckdb/node-api'],
    // CommonJS among the dependencies asks for Node's own modules by require, which a module does not have.
    banner: { js: "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);" },
    plugins: [lean],
    metafile: true,
    logLevel: 'warning',
  });
  makeExecutable(join(directory, 'grue.js'));
  return metafile;
}

/** So that the program is found by its name, also by kubectl. Young objects get little room: the operator has few, and saves the memory. */
function makeExecutable(file: string): void {
  writeFileSync(file, `#!/usr/bin/env -S node --max-semi-space-size=1\n${readFileSync(file, 'utf8')}`);
  chmodSync(file, 0o755);
}

/** Libraries of which we take a small part. That importing a module of theirs does nothing by itself is what lets the rest be left out. */
const pure = ['@platformatic/kafka', '@kubernetes/client-node'];

/** What undici has that is imported and never called: all our HTTP is Node's own. */
const undici = ['Agent', 'ProxyAgent', 'Pool', 'buildConnector', 'fetch']
  .map((name) => `export function ${name}() { throw new Error('undici is not in the bundle: ${name}'); }`)
  .join('\n');

/** Leaves out what never runs. */
const lean: Plugin = {
  name: 'lean',
  setup({ onResolve, onLoad, resolve }) {
    const resolved = Symbol('resolved');
    const asUsual = ({ kind, resolveDir, importer, with: attributes }: OnResolveArgs, path: string) =>
      resolve(path, { kind, resolveDir, importer, with: attributes, pluginData: resolved });
    onResolve({ filter: /^[.@]/ }, async (args) => {
      const from = args.path.startsWith('.') ? args.importer : `node_modules/${args.path}/`;
      if (args.pluginData === resolved || !pure.some((library) => from.includes(`node_modules/${library}/`))) return undefined;
      return { ...(await asUsual(args, args.path)), sideEffects: false };
    });
    // The other entry of this package reads a file that lies beside it.
    onResolve({ filter: /^@platformatic\/wasm-utils$/ }, (args) => asUsual(args, `${args.path}/bundled`));
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'absent' }));
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: undici }));
  },
};

if (import.meta.main) {
  const began = performance.now();
  const { values } = parseArgs({ options: { ship: { type: 'string' } } });
  const metafile = await bundle(values.ship);
  for (const [file, { bytes, entryPoint = 'shared' }] of Object.entries(metafile.outputs)) {
    console.log(`${basename(file).padEnd(24)} ${`${Math.ceil(bytes / 1024)} KiB`.padStart(9)}  ${entryPoint}`);
  }
  // what an image holds: the bundle with all that it needs beside Node
  if (values.ship !== undefined) ship(values.ship, metafile);
  console.log(`built in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
