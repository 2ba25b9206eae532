import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lua } from 'wasmoon-lua5.1';
import { parse } from 'yaml';

export type HealthState = 'Healthy' | 'Progressing' | 'Suspended' | 'Degraded';

export interface Health {
  readonly status: HealthState;
  readonly message: string;
}

interface Script {
  readonly name: string;
  readonly 'action.lua': string;
}

/** What the patch of `argocd-cm` makes of an object, as Argo CD would run it. */
export interface Customisation {
  health(object: object): Health;
  /** The actions, and whether each may be asked for now. */
  actions(object: object): Readonly<Record<string, { readonly disabled: boolean }>>;
  /** The object as the action leaves it. */
  run<T extends object>(object: T, action: string): T;
}

interface Typed {
  readonly kind: string;
}

const patch = parse(readFileSync(join(import.meta.dirname, '../../charts/grue/argo-cd/argocd-cm.yaml'), 'utf8')) as {
  readonly data: Readonly<Record<string, string>>;
};

/** The settings that it changes. */
export const keys: readonly string[] = Object.keys(patch.data);

export async function customisation(): Promise<Customisation> {
  const lua = await Lua.create();
  lua.doStringSync(sandbox);
  const run = <T>(script: string, object: object): T => plain(lua.doStringSync(`obj = ${literal(object)}\n${script}`)) as T;
  const actionsOf = ({ kind }: Typed) =>
    parse(patch.data[`resource.customizations.actions.grue.dev_${kind}`] ?? '') as { 'discovery.lua': string; definitions: Script[] };
  return {
    health: (object) => run(patch.data[`resource.customizations.health.grue.dev_${(object as Typed).kind}`] ?? '', object),
    actions: (object) => run(actionsOf(object as unknown as Typed)['discovery.lua'], object),
    run: (object, action) => run(actionsOf(object as unknown as Typed).definitions.find(({ name }) => name === action)?.['action.lua'] ?? '', object),
  };
}

/** Argo CD opens base, package, table, and of `os` the time alone; that only by `require`. */
const sandbox = `
package.loaded.os = { time = os.time, date = os.date }
getmetatable("").__index = nil
os, io, string, math, debug, coroutine = nil
`;

/** As Argo CD gives an object to a script: tables, in which an empty list and an empty map are the same. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`;
  if (value === null || value === undefined) return 'nil';
  if (typeof value !== 'object') return typeof value === 'string' ? text(value) : String(value);
  return `{${Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `[${text(name)}] = ${literal(member)}`)
    .join(', ')}}`;
}

/** Byte by byte: escapes of JSON are not those of Lua. */
const text = (value: string): string => `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;

function plain(value: unknown): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
  const table = value instanceof Map ? value : (value as { $detach(): Map<unknown, unknown> }).$detach();
  const names = [...table.keys()];
  if (names.length > 0 && names.every((name) => typeof name === 'number')) return [...table.values()].map(plain);
  return Object.fromEntries([...table].map(([name, member]) => [name, plain(member)]));
}
