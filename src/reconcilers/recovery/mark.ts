import { z } from 'zod';
import { kindOfResource, resourceName, text, time } from '../../api/common.ts';
import { type Binding, type Revision, revisionName, revisionSpec } from '../../api/revision.ts';
import { foreignName, revisionName as nameOfRevision } from '../../topology/names.ts';
import { readsOf } from '../lineage.ts';

/** One Revision as the index remembers it. */
const entry = z.object({
  name: revisionName,
  spec: revisionSpec,
  /** Identity of its topic when the index was made. */
  topicId: text(64).exactOptional(),
});
export type MarkEntry = z.output<typeof entry>;

/** A definition that a migration gave up. */
const rejection = z.object({
  of: z.object({ kind: kindOfResource, name: resourceName }),
  fingerprint: text(128),
  migration: resourceName,
  reason: text(1024),
  time,
});
export type MarkedRejection = z.output<typeof rejection>;

export const mostRejections = 20;

const mark = z.object({
  installation: text(512),
  namespace: text(63),
  /** The sink's Revision, which made the index. */
  revision: revisionName,
  fingerprint: text(128),
  migration: text(40),
  /** The Revisions that feed the index, each after all that is above it, the sink last. Absent where it would be too large for a mark. */
  chain: z.array(entry).max(1_024).exactOptional(),
  rejected: z.array(rejection).max(mostRejections).exactOptional(),
});
export type Mark = z.output<typeof mark>;

/**
 * Marks lie in the cluster state, which every node holds in memory and the master writes out whole. A chain of fifty stages with a hundred
 * fields each has about this size.
 */
const mostCharacters = 1_048_576;

/**
 * What an index has to say of itself (`_meta.grue`), so that it and all that feeds it can be found again when Kubernetes has lost everything.
 * @param lineage the Revisions that feed it, the sink last (lineage.ts)
 * @param topicIds identities of their topics, by topic
 * @param rejected what is known to have been given up of them
 */
export function markOf(
  lineage: readonly Revision[],
  topicIds: ReadonlyMap<string, string>,
  installation: string,
  rejected: readonly MarkedRejection[] = [],
): Mark {
  const sink = lineage.at(-1);
  if (sink === undefined) throw new TypeError('an index is made by a Revision');
  const chain = lineage.map(({ metadata, spec, status }) => {
    const topicId = status?.uuids?.topicId ?? topicIds.get(spec.physical.topic ?? '');
    return { name: metadata.name, spec, ...(topicId === undefined ? {} : { topicId }) };
  });
  const { fingerprint, migration } = sink.spec;
  const givenUp = rejected.length === 0 ? {} : { rejected: rejected.slice(-mostRejections) };
  const bare = { installation, namespace: sink.metadata.namespace, revision: sink.metadata.name, fingerprint, migration, ...givenUp };
  return JSON.stringify(chain).length > mostCharacters ? bare : { ...bare, chain };
}

/**
 * The mark of an index, or what is wrong with it: anybody who may write mappings may have edited it.
 * @returns undefined where there is no mark at all
 */
export function readMark(meta: Readonly<Record<string, unknown>> | undefined): { readonly mark: Mark } | { readonly unreadable: string } | undefined {
  const written = meta?.['grue'];
  if (written === undefined) return undefined;
  const judged = mark.safeParse(written);
  if (!judged.success) return { unreadable: `its mark is damaged at ${judged.error.issues[0]?.path.join('.') || 'its beginning'}` };
  const foreign = judged.data.chain?.find((one, _, chain) => !isOurs(one, judged.data.namespace, chain));
  if (foreign) return { unreadable: `its mark names ${foreign.name}, which the operator would not have made so` };
  return { mark: judged.data };
}

/** The mark of an index, where there is one that can be read. */
export function knownMark(meta: Readonly<Record<string, unknown>> | undefined): Mark | undefined {
  const read = readMark(meta);
  return read !== undefined && 'mark' in read ? read.mark : undefined;
}

/**
 * Would the operator have chosen these names, and joined the stages so? A mark that names a topic of others must not make us write to it, use it
 * or remove it.
 */
function isOurs({ name, spec }: MarkEntry, namespace: string, chain: readonly MarkEntry[]): boolean {
  const isNamed = name === nameOfRevision(spec.of.kind, spec.of.name, spec.number) && foreignName(namespace, spec) === undefined;
  const streamOf = ({ revision, topic: bound }: Binding) =>
    chain.find((one) => one.name === revision && one.spec.stream !== undefined && one.spec.physical.topic === bound)?.spec.stream;
  const isJoined = readsOf({ spec }).every(streamOf) && (spec.pipeline === undefined || streamOf(spec.pipeline.writes)?.external === false);
  return isNamed && isJoined;
}
