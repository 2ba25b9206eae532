import { GrueError } from '../../api/errors.ts';
import type { Platform } from '../../api/platform.ts';
import type { PlatformRequest } from '../../api/requests.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';

/**
 * Carries out what a person has decided: the other installation is gone for good, and this one goes on with what it made. The claims come first,
 * so that the other one, should it be there after all, stops at its next look; then all that it made is written over to us. Repeating it
 * changes nothing, so a process that is killed in the middle is followed by one that does the rest.
 * @returns the answer for the person
 */
export async function takeOver(platform: Platform, { by }: PlatformRequest, world: World, signal: AbortSignal): Promise<string> {
  const { status, spec, metadata } = platform;
  if (!world.mayAct()) throw new Error(`the lease is in doubt: nothing is taken over for ${metadata.namespace}/${metadata.name} now`);
  try {
    const servers = await world.takeOver(platform, { kafkaClusterId: status?.kafkaClusterId, elasticsearchUuid: status?.elasticsearchUuid }, signal);
    const { indices, notes } = await writeOver(spec.prefix, servers, world, signal);
    const result = `accepted: ${indices} indices and ${notes} topics and groups now belong to ${world.installation}`;
    world.log.warn('took over', { audit: 'TakeOver', platform: metadata.name, namespace: metadata.namespace, by, prefix: spec.prefix, result });
    return result;
  } catch (error) {
    if (error instanceof GrueError) return `refused: ${error.line}`;
    throw error;
  }
}

/** Marks and notes of the other installation become ours. A mark that is no object is left as it is: nobody could tell what it says. */
async function writeOver(
  prefix: string,
  { search, registry }: Servers,
  { installation }: World,
  signal: AbortSignal,
): Promise<{ readonly indices: number; readonly notes: number }> {
  let indices = 0;
  for (const { name, uuid, meta } of await search.marked(prefix, signal)) {
    const mark = meta?.['grue'] as Readonly<Record<string, unknown>> | null;
    if (typeof mark !== 'object' || mark === null || mark['installation'] === installation) continue;
    await search.remark(name, uuid, { ...mark, installation }, signal);
    indices += 1;
  }
  const foreign = (await registry.entries(signal)).filter((entry) => entry.installation !== installation);
  for (const entry of foreign) await registry.record({ ...entry, installation }, signal);
  return { indices, notes: foreign.length };
}
