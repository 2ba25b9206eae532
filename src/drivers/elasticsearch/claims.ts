import type { Client } from '@elastic/elasticsearch';
import { z } from 'zod';
import { GrueError } from '../../api/errors.ts';
import type { Claim } from '../ports.ts';
import { readOnly } from './client.ts';
import { request, statusOf } from './errors.ts';
import { createIndex, indexFacts } from './indices.ts';

/** Fixed, so that of several who create it Elasticsearch lets exactly one through. */
const claimId = 'claim';
const nameOf = (prefix: string): string => `${prefix}.registry`;

const claimDocument = z.object({ installation: z.string() });

/** The claim that stands, with the version of its document. */
interface Standing {
  readonly installation: string;
  readonly version: { readonly if_seq_no: number; readonly if_primary_term: number };
}

/** Claims the prefix unless it is claimed. @throws GrueError GRUE-KFK-002 when the index of the claim is not ours */
export async function claimPrefix(client: Client, prefix: string, installation: string, signal: AbortSignal): Promise<Claim> {
  const index = nameOf(prefix);
  const standing = (await readClaim(client, index, signal)) ?? (await stand(client, index, installation, signal));
  // somebody came before us, and perhaps left again
  if (standing === undefined) return claimPrefix(client, prefix, installation, signal);
  return standing.installation === installation ? { outcome: 'Ours' } : { outcome: 'Others', installation: standing.installation };
}

export async function releasePrefix(client: Client, prefix: string, installation: string, signal: AbortSignal): Promise<void> {
  const index = nameOf(prefix);
  const standing = await readClaim(client, index, signal);
  if (standing?.installation !== installation) return;
  await unlessChanged(`releasing ${index}`, signal, () => client.delete({ index, id: claimId, ...standing.version }, { signal }));
}

/** Puts our claim in the place of the one that stands. */
export async function takeOverPrefix(client: Client, prefix: string, installation: string, signal: AbortSignal): Promise<Claim> {
  const index = nameOf(prefix);
  const standing = await readClaim(client, index, signal);
  if (standing !== undefined && standing.installation !== installation) {
    const document = { installation };
    await unlessChanged(`taking over ${index}`, signal, () => client.index({ index, id: claimId, document, ...standing.version }, { signal }));
  }
  return claimPrefix(client, prefix, installation, signal);
}

async function readClaim(client: Client, index: string, signal: AbortSignal): Promise<Standing | undefined> {
  const answer = await request(`reading the claim in ${index}`, signal, () => client.get({ index, id: claimId }, { ...readOnly, signal, ignore: [404] }));
  if (answer.found !== true) return undefined;
  // whoever holds it, the prefix is claimed: a document that we cannot read is no permission
  const installation = claimDocument.safeParse(answer._source).data?.installation ?? 'unknown (its claim cannot be read)';
  return { installation, version: { if_seq_no: Number(answer._seq_no), if_primary_term: Number(answer._primary_term) } };
}

/** Writes our claim where there is none. Undefined when somebody else was first. */
async function stand(client: Client, index: string, installation: string, signal: AbortSignal): Promise<Standing | undefined> {
  await makeRegistry(client, index, signal);
  const what = `claiming ${index}`;
  const done = await unlessChanged(what, signal, () => client.create({ index, id: claimId, document: { installation } }, { signal }));
  return done ? readClaim(client, index, signal) : undefined;
}

/** One shard, so that there is one order; hidden, so that patterns of readers do not see it. */
async function makeRegistry(client: Client, index: string, signal: AbortSignal): Promise<void> {
  const settings = { number_of_shards: 1, auto_expand_replicas: '0-1', hidden: true };
  const mappings = { dynamic: false, _meta: { grueRegistry: true }, properties: { installation: { type: 'keyword' } } };
  if ((await createIndex(client, { name: index, mappings, settings }, signal)) === 'Created') return;
  if ((await indexFacts(client, [index], signal)).get(index)?.meta?.['grueRegistry'] === true) return;
  throw new GrueError('GRUE-KFK-002', `index ${index} exists and is not ours`, { fix: 'rename or remove it, or use another prefix in the Platform' });
}

/** @returns false when the document is not as it was: created, changed or gone meanwhile */
async function unlessChanged(what: string, signal: AbortSignal, change: () => Promise<unknown>): Promise<boolean> {
  return request(what, signal, async () => {
    try {
      await change();
      return true;
    } catch (error) {
      if (statusOf(error) === 409) return false;
      throw error;
    }
  });
}
