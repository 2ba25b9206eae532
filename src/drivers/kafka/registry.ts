import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { GrueError } from '../../api/errors.ts';
import type { Claim, KafkaCluster, KafkaRegistry, Offset, RegistryEntry } from '../ports.ts';
import type { RecordAppender } from './append.ts';

/** What the registry needs of a cluster. */
export type RegistryLog = Pick<KafkaCluster, 'createTopic' | 'topics' | 'topicConfig' | 'offsets' | 'read'> & RecordAppender;

const entryValue = z.object({ topicId: z.string().optional(), installation: z.string(), namespace: z.string(), revision: z.string() });
const claimValue = z.object({ installation: z.string() });

/** A claim that has not been released. */
interface Standing {
  readonly key: string;
  readonly installation: string;
}

/**
 * The registry of one prefix. Keys are `topic/<name>`, `group/<name>` and `claim/<random>`; anything else is a newer version's and left alone.
 *
 * Of the claims that stand, the earliest in the log wins. Each is written once under a key of its own and then only released, never
 * written again: compaction keeps the place of a record, and a second write would move a claim behind those of rivals.
 */
export function kafkaRegistry(log: RegistryLog, prefix: string, newId: () => string = randomUUID): KafkaRegistry {
  const topic = `${prefix}.registry`;
  let made = false;

  const ready = async (signal: AbortSignal): Promise<void> => {
    if (!made) await make(log, topic, signal);
    made = true;
  };
  const write = async (key: string, value: unknown, signal: AbortSignal): Promise<void> => {
    await ready(signal);
    await log.append({ topic, partition: 0, key, value: value === undefined ? undefined : JSON.stringify(value) }, signal);
  };
  const read = async (signal: AbortSignal): Promise<readonly [key: string, value: string][]> => {
    await ready(signal);
    return latest(log, topic, signal);
  };
  const standing = async (signal: AbortSignal): Promise<readonly Standing[]> => (await read(signal)).flatMap(standingClaim);
  const stand = (installation: string, signal: AbortSignal): Promise<void> => write(`claim/${newId()}`, { installation }, signal);
  const release = async (claims: readonly Standing[], signal: AbortSignal): Promise<void> => {
    for (const { key } of claims) await write(key, undefined, signal);
  };
  const claim = async (installation: string, signal: AbortSignal): Promise<Claim> => {
    let claims = await standing(signal);
    if (claims.length === 0) {
      await stand(installation, signal);
      // several may have found no claim and written theirs: only the log says who was first
      claims = await standing(signal);
    }
    const [winner, ...rest] = claims;
    if (winner === undefined) return claim(installation, signal);
    // what is left of a lost race must not win by itself on the day when the winner leaves
    await release(
      rest.filter((c) => c.installation === installation),
      signal,
    );
    return winner.installation === installation ? { outcome: 'Ours' } : { outcome: 'Others', installation: winner.installation };
  };

  return {
    record: ({ kind, name, ...value }, signal) => write(`${kind}/${name}`, value, signal),
    forget: (kind, name, signal) => write(`${kind}/${name}`, undefined, signal),
    entries: async (signal) => (await read(signal)).flatMap(entryOf),
    claim,
    release: async (installation, signal) =>
      release(
        (await standing(signal)).filter((c) => c.installation === installation),
        signal,
      ),
    takeOver: async (installation, signal) => {
      // ours stands before the others fall, so that nobody who claims meanwhile can come before us
      if (!(await standing(signal)).some((c) => c.installation === installation)) await stand(installation, signal);
      await release(
        (await standing(signal)).filter((c) => c.installation !== installation),
        signal,
      );
      return claim(installation, signal);
    },
  };
}

async function make(log: RegistryLog, topic: string, signal: AbortSignal): Promise<void> {
  // looked for first: who may not create topics may still use one that an administrator has made
  if (!(await log.topics([topic], signal)).has(topic)) await log.createTopic({ name: topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }, signal);
  const policy = (await log.topicConfig(topic, signal))['cleanup.policy'];
  const partitions = (await log.topics([topic], signal)).get(topic)?.partitions;
  if (policy === 'compact' && partitions === 1) return;
  throw new GrueError('GRUE-KFK-002', `topic ${topic} is there with ${partitions} partitions and cleanup.policy=${policy}; it has to have 1 and compact`, {
    fix: 'somebody else made it, or changed it: correct it, or use another prefix in the Platform',
  });
}

/** The last value of each key that has one, in the order of the log. */
async function latest(log: RegistryLog, topic: string, signal: AbortSignal): Promise<readonly [string, string][]> {
  const at = async (which: 'Earliest' | 'HighWatermark'): Promise<Offset> => {
    const offset = (await log.offsets([topic], which, signal)).get(topic)?.[0];
    if (offset === undefined) throw new GrueError('GRUE-KFK-009', `topic ${topic} does not tell its ${which} offset`);
    return offset;
  };
  const found = new Map<string, string>();
  for await (const { key, value } of log.read(topic, 0, await at('Earliest'), await at('HighWatermark'), signal)) {
    if (key === undefined) continue;
    found.delete(key.toString());
    if (value !== undefined) found.set(key.toString(), value.toString());
  }
  return [...found];
}

function standingClaim([key, value]: readonly [string, string]): readonly Standing[] {
  if (!key.startsWith('claim/')) return [];
  const claim = parsed(claimValue, value);
  // whoever holds it, the cluster is claimed: a text that we cannot read is no permission
  return [{ key, installation: claim?.installation ?? 'unknown (its claim cannot be read)' }];
}

function entryOf([key, value]: readonly [string, string]): readonly RegistryEntry[] {
  const [, kind, name] = /^(topic|group)\/(.+)$/.exec(key) ?? [];
  const entry = parsed(entryValue, value);
  if (kind === undefined || name === undefined || entry === undefined) return [];
  return [{ kind: kind === 'topic' ? 'topic' : 'group', name, ...entry }];
}

/** Others may write into the topic what is no JSON, or not ours: it must not stop us. */
function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
