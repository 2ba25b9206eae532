import type { Role } from '../../api/revision.ts';
import { revisionFinalizer } from './create.ts';
import { reclaimedIn } from './released.ts';
import type { PhysicalFacts, Snapshot } from './snapshot.ts';

/** What is done in this pass. */
export type Effect =
  /** Makes what is missing under the names in the spec, commits the start of the group, and tells identities and floor. */
  | { readonly kind: 'Realise' }
  /** Commits the recorded floor again where a group that was stopped for long has lost its positions. */
  | { readonly kind: 'Restart' }
  /** First install: gives the alias, which nobody has, to the index. */
  | { readonly kind: 'BindAlias' }
  /** Removes everything that carries a recorded identity, then lets the object go. */
  | { readonly kind: 'Remove'; readonly why: string }
  /** Lets the object go and leaves what it realised where it is. */
  | { readonly kind: 'LetGo'; readonly why: string }
  /** Makes the object again under its name: what was deleted by hand is in use. */
  | { readonly kind: 'Renew' }
  /** Deletes the object, whose logical resource is gone. */
  | { readonly kind: 'Reclaim' };

export interface Decision {
  readonly state: 'Pending' | 'Running' | 'Stopped' | 'Failed';
  readonly wanted: 'Running' | 'Stopped';
  readonly reason: string;
  readonly message: string;
  readonly effect?: Effect;
  readonly again?: number;
  /** It will be something else in a moment: worth saying only if the moment becomes long. */
  readonly passing?: true;
  /** The object is deleted, and that cannot be carried out now. */
  readonly blocked?: true;
  /** Decides, or has decided, that it is to be removed because its logical resource is gone. */
  readonly reclaims?: true;
}

const soon = 500;
const numbersLookedAt = 5_000;

/** From the object and the world to one thing to do. Read it from top to bottom. */
export function plan(s: Snapshot): Decision {
  const { revision, role } = s;
  const isDeleted = revision.metadata.deletionTimestamp !== undefined;
  if (s.namespaceEnds) return letGo('its namespace is being deleted');
  if (isDeleted && s.blockedMilliseconds >= s.letGoMilliseconds) return letGo(`its removal was not possible for ${minutes(s.blockedMilliseconds)} minutes`);
  const held = isDeleted ? ({ blocked: true } as const) : {};
  if (s.unreachable) return { ...asBefore(s), ...held, reason: 'PlatformUnavailable', message: s.unreachable.line, again: 5_000 };
  if (s.otherServers !== undefined) return { ...asBefore(s), ...held, reason: 'OtherServers', message: s.otherServers, again: isDeleted ? 5_000 : 30_000 };
  if (role === undefined || s.physical === undefined)
    return { ...asBefore(s), ...held, reason: 'Unknown', message: 'its role is not known yet', again: soon, passing: true };
  if (isDeleted) return remove(s, role, s.physical);
  const left = reclaimedIn(s);
  if (left !== undefined && left <= 0 && s.readers.length === 0) return reclaim(s);
  const decision = keep(s, role, s.physical);
  return left === undefined || left <= 0 ? decision : { ...decision, again: Math.min(decision.again ?? Number.POSITIVE_INFINITY, left, aDay) };
}

const aDay = 86_400_000;
const minutes = (milliseconds: number): number => Math.round(milliseconds / 60_000);
const asBefore = ({ revision: { status } }: Snapshot) => ({ state: status?.state ?? 'Pending', wanted: status?.wanted ?? 'Stopped' }) as const;

function keep(s: Snapshot, role: Role, physical: PhysicalFacts): Decision {
  // What nothing uses may have lost its topics: it stops all the same, or a migration that tears it down would wait for ever.
  if (role === 'retired') return stop(s, physical);
  if (physical.replaced !== undefined) return { state: 'Failed', wanted: 'Stopped', reason: 'OriginChanged', message: physical.replaced, again: 30_000 };
  return realise(s, physical);
}

const letGo = (why: string): Decision => ({ state: 'Stopped', wanted: 'Stopped', reason: 'LetGo', message: why, effect: { kind: 'LetGo', why } });

/** The decision stands in the stored object before the object is deleted: afterwards nobody could tell it from a deletion by mistake. */
function reclaim(s: Snapshot): Decision {
  const { kind, name } = s.revision.spec.of;
  const decided = { ...asBefore(s), reason: 'Reclaiming', message: `${kind}/${name} was deleted, and nothing reads it`, reclaims: true, again: 0 } as const;
  return s.revision.status?.reclaimedAt === undefined ? decided : { ...decided, effect: { kind: 'Reclaim' } };
}

/** How long something may be in use and deleted: what a migration gives up is not used any more in a moment. */
const renewedAfter = 5_000;

function remove(s: Snapshot, role: Role, physical: PhysicalFacts): Decision {
  const { status, spec, metadata } = s.revision;
  const reclaimed = status?.reclaimedAt !== undefined && s.resource === undefined;
  if (role !== 'retired' && !reclaimed) {
    const message = `deleted, but ${role}: it is made again under its name`;
    const inUse = { state: status?.state ?? 'Pending', wanted: 'Running', reason: 'InUse', message, blocked: true } as const;
    // While others hold it too its name is not free.
    const isOurs = (metadata.finalizers ?? []).every((finalizer) => finalizer === revisionFinalizer);
    return isOurs && s.blockedMilliseconds >= renewedAfter ? { ...inUse, effect: { kind: 'Renew' } } : { ...inUse, again: renewedAfter };
  }
  if ((physical.members ?? 0) > 0) return { ...stopping(physical), passing: true, blocked: true };
  const why = reclaimed ? `${spec.of.kind}/${spec.of.name} was deleted with reclaimPolicy Delete` : `Revision ${metadata.name} was deleted, and is ${role}`;
  return { state: 'Stopped', wanted: 'Stopped', reason: 'Removing', message: 'removing what it realised', effect: { kind: 'Remove', why }, again: soon };
}

/**
 * A sink is told to stop at once, and workers that do not leave in a moment are told of. What is above a sink only waits to be deleted,
 * which stops its workers as well.
 */
function stop({ revision: { spec, status } }: Snapshot, physical: PhysicalFacts): Decision {
  const hasWorkers = (physical.members ?? 0) > 0;
  if (hasWorkers && status?.wanted === 'Stopped') return { ...stopping(physical), passing: true };
  const message = spec.physical.index === undefined ? 'nothing reads it' : 'its index is kept';
  const retired = { state: 'Stopped', wanted: 'Stopped', reason: 'Retired', message, ...(hasWorkers ? { again: soon } : {}) } as const;
  return spec.connection !== undefined || spec.stream?.external === true ? retired : { ...retired, passing: true, again: soon };
}

const stopping = ({ members }: PhysicalFacts): Decision => ({
  state: 'Running',
  wanted: 'Stopped',
  reason: 'Stopping',
  message: `waiting for ${members} workers to leave`,
  again: soon,
});

function realise({ revision, watched }: Snapshot, physical: PhysicalFacts): Decision {
  const { spec, status } = revision;
  if (physical.missingInputs.length > 0) {
    const message = `waiting for ${physical.missingInputs.join(', ')}`;
    return { state: 'Pending', wanted: 'Stopped', reason: 'WaitingForInputs', message, again: soon, passing: true };
  }
  const running = { state: 'Running', wanted: 'Running', reason: 'Running', message: 'runs' } as const;
  const isStage = spec.stream === undefined;
  if (status?.uuids === undefined) return { ...running, effect: { kind: 'Realise' }, ...(isStage ? { again: 0 } : {}) };
  if (isStage && status.wanted !== 'Running') return { ...running, effect: { kind: 'Restart' }, again: 0 };
  // Also where the alias is on it already: a pass that was lost after the call has not said so.
  const isFree = physical.aliasTargets.every((index) => index === spec.physical.index);
  if (spec.connection !== undefined && spec.migration === '' && status.bound !== true && isFree)
    return { ...running, message: `readers use ${spec.connection.destination.alias}`, effect: { kind: 'BindAlias' }, again: 0 };
  return { ...running, ...(watched && isStage ? { again: numbersLookedAt } : {}) };
}
