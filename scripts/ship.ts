import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { root } from './processes.ts';

interface Dependency {
  readonly ref: string;
  readonly dependsOn?: readonly string[];
}

/** What we read of a CycloneDX document; the rest of it passes through. */
interface Bom {
  readonly metadata: { readonly component: object };
  readonly components: readonly { readonly 'bom-ref': string; readonly name: string }[];
  readonly dependencies: readonly Dependency[];
}

/**
 * Makes the directory of a bundle complete, so that it runs without anything beside it: the native packages that the bundle
 * imports, with all that they depend on, and the bill of materials (CycloneDX) of what is in there.
 */
export function ship(directory: string, { outputs }: Metafile): void {
  const bom = npmSbom();
  const native = Object.values(outputs).flatMap(({ imports }) => imports.flatMap(({ path, external }) => (external && path.startsWith('@') ? [path] : [])));
  const beside = withDependencies(bom, [...new Set(native)]);
  for (const name of beside) cpSync(join(root, 'node_modules', name), join(directory, 'node_modules', name), { recursive: true, dereference: true });

  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0));
  const bundled = new Set(files.flatMap((path) => directoryOf(path) ?? []));
  const shipped = new Set([...bundled, ...beside.map((name) => `node_modules/${name}`)].map(referenceOf));
  const { name } = packageIn('.');
  const known = (ref: string) => shipped.has(ref) || ref === referenceOf('.');
  const document = {
    ...bom,
    // npm takes the name from the directory
    metadata: { ...bom.metadata, component: { ...bom.metadata.component, name } },
    components: bom.components.filter((component) => shipped.has(component['bom-ref'])),
    dependencies: bom.dependencies.filter(({ ref }) => known(ref)).map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(known) })),
  };
  writeFileSync(join(directory, 'sbom.cdx.json'), `${JSON.stringify(document, null, 2)}\n`);
}

/**
 * Of all that is installed, tools too. `--omit=dev` is not what is shipped: it leaves out what a
 * tool happens to need as well (zod, yaml), and lists what the bundler has left out.
 */
function npmSbom(): Bom {
  const command = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'];
  return JSON.parse(execFileSync('npm', command, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'inherit'] })) as Bom;
}

/** These packages and all that they depend on, by their names. What is installed for another platform npm does not list. */
function withDependencies(bom: Bom, names: readonly string[]): readonly string[] {
  const nameOf = (ref: string) => ref.slice(0, ref.lastIndexOf('@'));
  const dependsOn = new Map(bom.dependencies.map(({ ref, dependsOn = [] }) => [nameOf(ref), dependsOn.map(nameOf)]));
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    found.add(name);
    open.push(...(dependsOn.get(name) ?? []));
  }
  return [...found];
}

/** `node_modules/a/node_modules/@b/c/index.js` is of `node_modules/a/node_modules/@b/c`. */
function directoryOf(path: string): string | undefined {
  return path.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0];
}

/** As CycloneDX documents of npm name a package. */
function referenceOf(directory: string): string {
  const { name, version } = packageIn(directory);
  return `${name}@${version}`;
}

function packageIn(directory: string): { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8')) as { name: string; version: string };
}
