import { apiVersion } from '../../api/common.ts';
import type { Revision } from '../../api/revision.ts';
import type { AliasTarget, IndexFacts } from '../../drivers/ports.ts';
import { revisionsByName } from '../../topology/live.ts';
import type { Lost, PlatformFacts, Unexplained } from '../facts.ts';
import { lineageOf } from '../lineage.ts';
import { isMarkedFor } from '../revision/remove.ts';
import type { Servers } from '../servers.ts';
import { type Mark, type MarkEntry, readMark } from './mark.ts';

interface Known {
  readonly namespace: string;
  readonly installation: string;
  readonly platforms: ReadonlyMap<string, PlatformFacts>;
  readonly revisions: readonly Revision[];
  readonly aliases: ReadonlyMap<string, readonly AliasTarget[]>;
}

/** Looks behind every alias whose index is not fully explained by the Revisions that are there. Asks nothing when all are. */
export async function observeLost({ namespace, installation, platforms, revisions, aliases }: Known, signal: AbortSignal): Promise<Lost> {
  const byName = revisionsByName(revisions);
  const isExplained = explainedBy(revisions, byName);
  const open = [...aliases].flatMap(([alias, targets]) => targets.filter((target) => !isExplained(target)).map((target) => ({ alias, ...target })));
  const lost = new Map<string, Revision>();
  const recognised = new Map<string, string>();
  const unexplained: Unexplained[] = [];
  for (const { platform, servers } of open.length === 0 ? [] : platforms.values()) {
    if (!servers) continue;
    const own = `${platform.spec.prefix}.${namespace}.`;
    const found = await servers.search.indices([...new Set(open.map(({ index }) => index))], signal);
    for (const { alias, index, uuid } of open) {
      const facts = found.get(index);
      if (facts?.uuid !== uuid) continue;
      const maker = revisions.find(({ spec, status }) => spec.physical.index === index && status?.uuids?.index === undefined);
      if (maker && isMarkedFor(maker, facts.meta)) recognised.set(maker.metadata.name, uuid);
      const judged = judge(facts, { namespace, installation, revisions });
      if (judged === undefined || (typeof judged === 'string' && !index.startsWith(own))) continue;
      const chain = typeof judged === 'string' ? judged : await missingOf(judged, facts, byName, servers, signal);
      if (typeof chain === 'string') unexplained.push({ alias, index, why: chain });
      else for (const revision of chain) lost.set(revision.metadata.name, revision);
    }
  }
  return { revisions: [...lost.values()], recognised, unexplained };
}

/** Tells whether a Revision made an index, and all that feeds it is there. */
function explainedBy(revisions: readonly Revision[], byName: ReadonlyMap<string, Revision>): (target: AliasTarget) => boolean {
  const makers = new Map(
    revisions.flatMap((revision) => (revision.spec.physical.index === undefined ? [] : [[revision.spec.physical.index, revision] as const])),
  );
  const isJoined = ({ spec }: Revision): boolean => spec.inputs.every((input) => byName.has(input));
  const allAre = revisions.every(isJoined);
  return ({ index, uuid }) => {
    const maker = makers.get(index);
    return maker?.status?.uuids?.index === uuid && (allAre || lineageOf([maker.metadata.name], byName).every(isJoined));
  };
}

/** The mark, or why it explains nothing; undefined where a Revision knows an index of this name by another identity: that is no loss of ours. */
function judge(
  { name, uuid, meta }: IndexFacts,
  { namespace, installation, revisions }: Pick<Known, 'namespace' | 'installation' | 'revisions'>,
): Mark | string | undefined {
  if (revisions.some(({ spec, status }) => spec.physical.index === name && (status?.uuids?.index ?? uuid) !== uuid)) return undefined;
  const read = readMark(meta);
  if (read === undefined) return 'it carries no mark of ours';
  if ('unreadable' in read) return read.unreadable;
  const { mark } = read;
  if (mark.namespace !== namespace) return `its mark says namespace ${mark.namespace}`;
  if (mark.installation !== installation) return `its mark says installation ${mark.installation}`;
  if (mark.chain === undefined) return 'its mark does not say what feeds it';
  return mark;
}

/** The Revisions of the chain that are not there, or why they cannot be made again. */
async function missingOf(
  { chain = [], namespace }: Mark,
  index: IndexFacts,
  byName: ReadonlyMap<string, Revision>,
  servers: Servers,
  signal: AbortSignal,
): Promise<readonly Revision[] | string> {
  const usurper = chain.find(({ name, spec }) => differs(byName.get(name), spec));
  if (usurper) return `Revision ${usurper.name} is there and stands for something else: delete it, and the one that readers use is made again`;
  const standing = await stillStanding(chain, servers, signal);
  return standing.filter(({ name }) => !byName.has(name)).map(({ name, spec }) => revisionOf(namespace, name, spec, index));
}

const differs = (there: Revision | undefined, spec: Revision['spec']): boolean =>
  there !== undefined && (there.spec.fingerprint !== spec.fingerprint || JSON.stringify(sorted(there.spec.physical)) !== JSON.stringify(sorted(spec.physical)));

const sorted = (physical: Revision['spec']['physical']) => Object.entries(physical).sort(([a], [b]) => (a < b ? -1 : 1));

/**
 * The part of the chain that leads to the sink over topics that are still there. The index of an older version is kept when its topics are
 * removed: if a person points the alias at it, what fed it must not be made anew.
 */
async function stillStanding(chain: readonly MarkEntry[], { kafka }: Servers, signal: AbortSignal): Promise<readonly MarkEntry[]> {
  const own = chain.flatMap(({ spec }) => (spec.stream?.external === false ? (spec.physical.topic ?? []) : []));
  const topics = await kafka.topics(own, signal);
  const isThere = ({ spec, topicId }: MarkEntry): boolean => {
    if (spec.stream?.external !== false) return true;
    const id = topics.get(spec.physical.topic ?? '')?.id;
    return id !== undefined && (topicId === undefined || id === topicId);
  };
  const byName = new Map(chain.map((one) => [one.name, one]));
  const standing = new Set<MarkEntry>();
  const open = chain.slice(-1);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (standing.has(next) || !isThere(next)) continue;
    standing.add(next);
    for (const input of next.spec.inputs) open.push(...(byName.has(input) ? [byName.get(input) as MarkEntry] : []));
  }
  return chain.filter((one) => standing.has(one));
}

/** As it is about to be made again. The sink has the identity of the index that readers use, and is live by it. */
const revisionOf = (namespace: string, name: string, spec: Revision['spec'], index: IndexFacts): Revision => ({
  apiVersion,
  kind: 'Revision',
  metadata: { name, namespace, uid: '', resourceVersion: '', generation: 1, creationTimestamp: '' },
  spec,
  ...(spec.physical.index === index.name ? { status: { uuids: { index: index.uuid } } } : {}),
});
