import type { Snapshot } from './snapshot.ts';

/** What is done in this pass. */
export type Effect =
  /** Makes what is missing under the names in the spec, and tells identities and floor. */
  | { readonly kind: 'Realise' }
  /** Commits the recorded floor as the start of the group. */
  | { readonly kind: 'CommitStart' }
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
}

const soon = 500;
const columnsEvery = 10_000;

/** From the object and the world to one thing to do. Read it from top to bottom. */
export function plan(s: Snapshot): Decision {
  const { revision, role } = s;
  const { status, metadata } = revision;
  const asBefore = { state: status?.state ?? 'Pending', wanted: status?.wanted ?? 'Stopped' } as const;
  if (s.unreachable) return { ...asBefore, reason: 'PlatformUnavailable', message: s.unreachable.line, again: 5_000 };
  if (s.otherServers !== undefined) return { ...asBefore, reason: 'OtherServers', message: s.otherServers, again: 30_000 };
  if (role === undefined || s.physical === undefined) return { ...asBefore, reason: 'Unknown', message: 'its role is not known yet', again: soon };
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
  if ((physical.members ?? 0) > 0)
    return { state: 'Running', wanted: 'Stopped', reason: 'Stopping', message: `waiting for ${physical.members} workers to leave`, again: soon };
  return { state: 'Stopped', wanted: 'Stopped', reason: 'Removing', message: 'removing what it realised', effect: { kind: 'Remove' }, again: soon };
}

function stop(s: Snapshot, physical: NonNullable<Snapshot['physical']>): Decision {
  if ((physical.members ?? 0) > 0)
    return { state: 'Running', wanted: 'Stopped', reason: 'Stopping', message: `waiting for ${physical.members} workers to leave`, again: soon };
  return {
    state: 'Stopped',
    wanted: 'Stopped',
    reason: 'Retired',
    message: s.revision.spec.physical.index === undefined ? 'nothing reads it' : 'its index is kept',
  };
}

function realise({ revision, watched }: Snapshot, physical: NonNullable<Snapshot['physical']>): Decision {
  const { spec, status } = revision;
  if (physical.missingInputs.length > 0)
    return { state: 'Pending', wanted: 'Stopped', reason: 'WaitingForInputs', message: `waiting for ${physical.missingInputs.join(', ')}`, again: soon };
  const pending = { state: 'Pending', wanted: 'Stopped', reason: 'Realising' } as const;
  if (status?.uuids === undefined) {
    const running = spec.stream !== undefined;
    return {
      ...pending,
      ...(running ? ({ state: 'Running', wanted: 'Running' } as const) : {}),
      message: 'made',
      effect: { kind: 'Realise' },
      ...(running ? {} : { again: 0 }),
    };
  }
  if (spec.stream === undefined && status.wanted !== 'Running')
    return { state: 'Running', wanted: 'Running', reason: 'Running', message: 'runs', effect: { kind: 'CommitStart' }, again: 0 };
  if (spec.connection !== undefined && spec.migration === '' && status.bound !== true && physical.aliasTargets.length === 0)
    return {
      state: 'Running',
      wanted: 'Running',
      reason: 'Running',
      message: `readers use ${spec.connection.destination.alias}`,
      effect: { kind: 'BindAlias' },
      again: 0,
    };
  return { state: 'Running', wanted: 'Running', reason: 'Running', message: 'runs', ...(watched && spec.stream === undefined ? { again: columnsEvery } : {}) };
}
