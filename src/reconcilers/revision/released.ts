import { durationMilliseconds } from '../../api/common.ts';
import type { Revision, Role } from '../../api/revision.ts';
import { findCondition, type WantedCondition } from '../../controller/conditions.ts';
import type { LiveFacts, LogicalResource } from '../facts.ts';
import type { Snapshot } from './snapshot.ts';

const defaultAfter = '1h';

/**
 * What the logical resource says of its deletion. It is kept in the status of its Revisions while it is there, because it is gone when it
 * matters; where that is lost, production stays.
 */
export const reclaimAfterOf = ({ resource, revision: { status } }: Pick<Snapshot, 'resource' | 'revision'>): string | undefined => {
  if (resource === undefined) return status?.reclaimAfter;
  return resource.spec.reclaimPolicy === 'Delete' ? (resource.spec.reclaimAfter ?? defaultAfter) : undefined;
};

/** Roles in which no migration decides what becomes of a Revision. */
const isOnItsOwn = ({ spec }: Revision, role: Role | undefined): boolean =>
  role === 'live' || role === 'retired' || (role === 'green' && spec.migration === '');

/** Its logical resource is gone: what it realised goes on, until somebody adopts it, removes it, or has said before that it is to be removed. */
export const isReleased = ({ revision, role, resource }: Snapshot): boolean =>
  resource === undefined && revision.metadata.deletionTimestamp === undefined && isOnItsOwn(revision, role ?? revision.status?.role);

/** A clock that jumps ahead must not remove what somebody deleted a minute ago: so long, or as long as is waited at all, this process has to see it gone. */
const longestWatch = 3_600_000;

/**
 * Milliseconds until it is removed, zero or less once the time has come; undefined while it is not released, or where it stays for ever. The
 * condition tells since when it is: it is looked at as stored.
 */
export function reclaimedIn(s: Snapshot): number | undefined {
  const released = findCondition(s.revision.status?.conditions, 'Released');
  const after = reclaimAfterOf(s);
  if (!isReleased(s) || released?.status !== 'True' || after === undefined) return undefined;
  const span = durationMilliseconds(after);
  return Math.max(Date.parse(released.lastTransitionTime) + span - s.now, Math.min(span, longestWatch) - s.goneMilliseconds);
}

/** The condition of a Revision whose logical resource is gone; none otherwise. */
export function releasedCondition(s: Snapshot): readonly WantedCondition[] {
  if (!isReleased(s)) return [];
  const { kind, name } = s.revision.spec.of;
  const say = (reason: string, what: string): readonly WantedCondition[] => [
    { type: 'Released', status: 'True', reason, message: `${kind}/${name} was deleted. ${what}` },
  ];
  const after = reclaimAfterOf(s);
  if (after === undefined) return say('Retained', 'What it realised stays, and the same name adopts it again');
  if (s.readers.length > 0) return say('InUse', `What it realised is removed when nothing reads it any more: now ${s.readers.slice(0, 5).join(', ')}`);
  return say('Reclaimed', `What it realised is removed ${after} after that, unless the same name adopts it again`);
}

/** What reads it, or may come to: Revisions that are used, and migrations under way, which may be about to use it. */
export function readersOf(
  { metadata: { name } }: Revision,
  { revisions, migrations, roles }: Pick<LiveFacts, 'revisions' | 'migrations' | 'roles'>,
): readonly string[] {
  const readers = revisions.filter(({ metadata, spec }) => spec.inputs.includes(name) && roles.get(metadata.name) !== 'retired');
  const holders = migrations.filter(
    ({ status }) => status?.outcome === undefined && (status?.plan?.steps.some(({ from, to }) => from === name || to === name) ?? true),
  );
  return [...readers.map(({ metadata }) => `Revision ${metadata.name}`), ...holders.map(({ metadata }) => `migration ${metadata.name}`)];
}

/** The logical resource of a Revision, unless it is being deleted. */
export function resourceOf(
  { spec: { of }, metadata: { namespace } }: Revision,
  resources: Readonly<Record<Revision['spec']['of']['kind'], { get(key: string): LogicalResource | undefined }>>,
): LogicalResource | undefined {
  const found = resources[of.kind].get(`${namespace}/${of.name}`);
  return found?.metadata.deletionTimestamp === undefined ? found : undefined;
}
