import type { Snapshot } from './snapshot.ts';

/** What is done in this pass. */
export type Effect =
  /** Makes what is missing under the names in the spec, commits the start of the group, and tells identities and floor. */
  | { readonly kind: 'Realise' }
  /** Commits the recorded floor again where a group that was stopped for long has lost its positions. */
  | { readonly kind: 'Restart' }
  /** First install: gives the alias, which nobody has, to the index. */
  | { readonly kind: 'BindAlias' }
  /** Removes everything that carries a recorded identity, then lets the object go. */
  | { readonly kind: 'Remove' };

export interface Decision {
  readonly state: 'Pending' | 'Running' | 'Stopped' | 'Failed';
  readonly wanted: 'Running' | 'Stopped';
  readonly reason: string;
  readonly message: string;
  readonly effect?: Effect;
  readonly again?: number;
  /** It will be something else in a moment: worth saying only if the moment becomes long. */
  readonly passing?: true;
}

const soon = 500;
const numbersLookedAt = 5_000;

/** From the object and the world to one thing to do. Read it from top to bottom. */
export function plan(s: Snapshot): Decision {
  const { revision, role } = s;
  const { status, metadata } = revision;
  const asBefore = { state: status?.state ?? 'Pending', wanted: status?.wanted ?? 'Stopped' } as const;
  if (s.unreachable) return { ...asBefore, reason: 'PlatformUnavailable', message: s.unreachable.line, again: 5_000 };
  if (s.otherServers !== undefined) return { ...asBefore, reason: 'OtherServers', message: s.otherServers, again: 30_000 };
  if (role === undefined || s.physical === undefined)
    return { ...asBefore, reason: 'Unknown', message: 'its role is not known yet', again: soon, passing: true };
  if (s.physical.replaced !== undefined) return { state: 'Failed', wanted: 'Stopped', reason: 'OriginChanged', message: s.physical.replaced, again: 30_000 };
  if (metadata.deletionTimestamp !== undefined) return remove(s, role, s.physical);
  if (role === 'retired') return stop(s, s.physical);
  return realise(s, s.physical);
}

function remove(s: Snapshot, role: string, physical: NonNullable<Snapshot['physical']>): Decision {
  if (role !== 'retired')
    return {
      state: s.revision.status?.state ?? 'Pending',
      wanted: 'Running',
      reason: 'InUse',
      message: `deleted, but ${role}: it is removed when nothing uses it any more`,
      again: 5_000,
    };
  if ((physical.members ?? 0) > 0) return { ...stopping(physical), passing: true };
  return { state: 'Stopped', wanted: 'Stopped', reason: 'Removing', message: 'removing what it realised', effect: { kind: 'Remove' }, again: soon };
}

/**
 * A sink is told to stop at once, and workers that do not leave in a moment are told of. What is above a sink only waits to be deleted,
 * which stops its workers as well.
 */
function stop({ revision: { spec, status } }: Snapshot, physical: NonNullable<Snapshot['physical']>): Decision {
  const hasWorkers = (physical.members ?? 0) > 0;
  if (hasWorkers && status?.wanted === 'Stopped') return { ...stopping(physical), passing: true };
  const message = spec.physical.index === undefined ? 'nothing reads it' : 'its index is kept';
  const retired = { state: 'Stopped', wanted: 'Stopped', reason: 'Retired', message, ...(hasWorkers ? { again: soon } : {}) } as const;
  return spec.connection !== undefined || spec.stream?.external === true ? retired : { ...retired, passing: true, again: soon };
}

const stopping = ({ members }: NonNullable<Snapshot['physical']>): Decision => ({
  state: 'Running',
  wanted: 'Stopped',
  reason: 'Stopping',
  message: `waiting for ${members} workers to leave`,
  again: soon,
});

function realise({ revision, watched }: Snapshot, physical: NonNullable<Snapshot['physical']>): Decision {
  const { spec, status } = revision;
  if (physical.missingInputs.length > 0) {
    const message = `waiting for ${physical.missingInputs.join(', ')}`;
    return { state: 'Pending', wanted: 'Stopped', reason: 'WaitingForInputs', message, again: soon, passing: true };
  }
  const running = { state: 'Running', wanted: 'Running', reason: 'Running', message: 'runs' } as const;
  const isStage = spec.stream === undefined;
  if (status?.uuids === undefined) return { ...running, effect: { kind: 'Realise' }, ...(isStage ? { again: 0 } : {}) };
  if (isStage && status.wanted !== 'Running') return { ...running, effect: { kind: 'Restart' }, again: 0 };
  if (spec.connection !== undefined && spec.migration === '' && status.bound !== true && physical.aliasTargets.length === 0)
    return { ...running, message: `readers use ${spec.connection.destination.alias}`, effect: { kind: 'BindAlias' }, again: 0 };
  return { ...running, ...(watched && isStage ? { again: numbersLookedAt } : {}) };
}
