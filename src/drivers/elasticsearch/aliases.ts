import type { Client } from '@elastic/elasticsearch';
import { GrueError } from '../../api/errors.ts';
import type { AliasTarget } from '../ports.ts';
import { readOnly } from './client.ts';
import { request } from './errors.ts';
import { type Placement, placements, sameIndex } from './indices.ts';

/** Every index that the alias is on, with how. */
export function targetsOf(alias: string, found: ReadonlyMap<string, Placement>): AliasTarget[] {
  return [...found].flatMap(([index, { uuid, aliases }]) => {
    const properties = aliases.get(alias);
    return properties === undefined ? [] : [{ index, uuid, ...properties }];
  });
}

export async function aliasTargets(client: Client, names: readonly string[], signal: AbortSignal): Promise<Map<string, readonly AliasTarget[]>> {
  const found = await placements(client, names, signal);
  return new Map(names.map((name) => [name, targetsOf(name, found)]));
}

/** True if an index or a data stream has this name itself, rather than through an alias. */
export async function isConcrete(client: Client, name: string, signal: AbortSignal): Promise<boolean> {
  const answer = await request(`looking up ${name}`, signal, () => client.indices.resolveIndex({ name }, { ...readOnly, signal, ignore: [404] }));
  // a name that leads nowhere is answered with an error instead of the lists
  return [...(answer.indices ?? []), ...(answer.data_streams ?? [])].some((found) => found.name === name);
}

/**
 * Binds an alias that does not exist yet. Elasticsearch cannot do that under the condition that nobody else does, so it
 * is looked up before and after; of two that bind at the same time both withdraw.
 *
 * @throws GrueError GRUE-ES-001 the alias is an index, GRUE-ES-003 it is elsewhere, GRUE-ES-005 the index is another one
 */
export async function bindAlias(client: Client, alias: string, index: string, uuid: string, signal: AbortSignal): Promise<void> {
  const look = () => placements(client, [alias, index], signal);
  const before = await look();
  sameIndex(index, uuid, before.get(index));
  if (before.has(alias)) throw new GrueError('GRUE-ES-001', `${alias} is an index`, { fix: 'choose another alias, or reindex and delete that index first' });
  refuseElsewhere(alias, index, before);
  if (isOn(alias, index, before)) return;

  const change = (action: 'add' | 'remove') =>
    request(`binding alias ${alias} to ${index}`, signal, () => client.indices.updateAliases({ actions: [{ [action]: { index, alias } }] }, { signal }), {
      invalid_alias_name_exception: 'GRUE-ES-001',
      index_not_found_exception: 'GRUE-ES-005',
    });
  await change('add');
  const after = await look();
  try {
    sameIndex(index, uuid, after.get(index));
    refuseElsewhere(alias, index, after);
  } catch (error) {
    await change('remove');
    throw error;
  }
}

const isOn = (alias: string, index: string, found: ReadonlyMap<string, Placement>): boolean => found.get(index)?.aliases.has(alias) === true;

function refuseElsewhere(alias: string, index: string, found: ReadonlyMap<string, Placement>): void {
  const other = targetsOf(alias, found).find((target) => target.index !== index);
  if (other !== undefined) throw new GrueError('GRUE-ES-003', `alias ${alias} is on ${other.index}`, { fix: 'remove the alias, or choose another one' });
}
