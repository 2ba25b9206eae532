import { describe, expect, test } from 'vitest';
import { apiVersion } from '../../src/api/common.ts';
import { GrueError } from '../../src/api/errors.ts';
import type { Platform } from '../../src/api/platform.ts';
import type { Revision } from '../../src/api/revision.ts';
import { report as reportPlatform } from '../../src/reconcilers/platform/reconcile.ts';
import { plan } from '../../src/reconcilers/revision/plan.ts';
import { report } from '../../src/reconcilers/revision/report.ts';
import type { Snapshot } from '../../src/reconcilers/revision/snapshot.ts';
import type { Servers } from '../../src/reconcilers/servers.ts';
import { at, now, revision } from '../reconcilers/migration/snapshots.ts';
import { customisation } from './argo-cd.ts';

const argoCd = await customisation();
const says = (text: string) => expect.stringContaining(text);

describe('a Platform', () => {
  const metadata = { name: 'default', namespace: 'flights', uid: 'uid', resourceVersion: '1', generation: 1, creationTimestamp: at(60) };
  const platform = { apiVersion, kind: 'Platform', metadata, spec: { prefix: 'grue' } } as unknown as Platform;
  const health = (found: Servers | GrueError, stored: Platform['status'] = {}) =>
    argoCd.health({ ...platform, status: reportPlatform({ ...platform, status: stored }, { found }, now) });
  const servers = { kafkaClusterId: 'kafka', elasticsearchUuid: 'search' } as Servers;

  test('is Healthy while its servers answer', () => {
    expect(health(servers)).toEqual({ status: 'Healthy', message: says('Reachable') });
  });
  test('is Degraded while one does not, while another installation has claimed them, and when they are others', () => {
    expect(health(new GrueError('GRUE-PLT-002', 'no broker answers'))).toEqual({ status: 'Degraded', message: says('GRUE_PLT_002') });
    expect(health(new GrueError('GRUE-PLT-008', 'claimed'))).toEqual({ status: 'Degraded', message: says('GRUE_PLT_008') });
    expect(health(servers, { kafkaClusterId: 'another' })).toEqual({ status: 'Degraded', message: says('GRUE_PLT_007') });
  });
});

describe('a Revision', () => {
  const sink = revision('Connection', 'delays-index', 1);
  const quiet = { members: 0, missingInputs: [], aliasTargets: [], columns: undefined, replaced: undefined };
  function health(facts: Partial<Snapshot>, of: Revision = sink) {
    const snapshot: Snapshot = {
      revision: of,
      now,
      role: 'live',
      unreachable: undefined,
      watched: false,
      otherServers: undefined,
      physical: quiet,
      resource: { kind: 'Connection', metadata: { name: 'delays-index' }, spec: {} } as Snapshot['resource'],
      readers: [],
      goneMilliseconds: 0,
      namespaceEnds: false,
      blockedMilliseconds: 0,
      letGoMilliseconds: 600_000,
      ...facts,
    };
    return argoCd.health({ ...of, status: report(snapshot, plan(snapshot), { kind: 'Done' }) });
  }
  test('is Healthy while it runs, in whatever role', () => {
    expect(health({})).toEqual({ status: 'Healthy', message: says('live: ') });
    expect(health({ role: 'blue' })).toEqual({ status: 'Healthy', message: says('blue: ') });
  });
  test('is Healthy when it has retired', () => {
    const stopped = { ...sink, status: { ...sink.status, state: 'Stopped', wanted: 'Stopped' } } as Revision;
    expect(health({ role: 'retired' }, stopped)).toEqual({ status: 'Healthy', message: says('its index is kept') });
  });
  test('is Healthy, and says so, when its logical resource was removed: it goes on', () => {
    expect(health({ resource: undefined })).toEqual({ status: 'Healthy', message: says('Released') });
  });
  test('is Progressing while it waits for a topic, or its workers leave', () => {
    expect(health({ physical: { ...quiet, missingInputs: ['delays-1'] } })).toEqual({ status: 'Progressing', message: says('WaitingForInputs') });
    const stopping = { ...sink, status: { ...sink.status, wanted: 'Stopped' } } as Revision;
    expect(health({ role: 'retired', physical: { ...quiet, members: 2 } }, stopping)).toEqual({ status: 'Progressing', message: says('Stopping') });
  });
  test('is Progressing while it is removed', () => {
    const deleted = { ...sink, metadata: { ...sink.metadata, deletionTimestamp: at(1) } };
    expect(health({ role: 'retired' }, deleted).status).toBe('Progressing');
  });
  test('is Degraded when what it reads is not what it was', () => {
    expect(health({ physical: { ...quiet, replaced: 'topic flights-1 was made again' } })).toEqual({ status: 'Degraded', message: says('OriginChanged') });
  });
});
