import { describe, expect, test } from 'vitest';
import { GrueError } from '../../../src/api/errors.ts';
import { plan } from '../../../src/reconcilers/migration/plan.ts';
import {
  at,
  blue,
  bothColours,
  fenceAt100,
  flipped,
  gate,
  green,
  index,
  intent,
  named,
  onGreen,
  progress,
  proposal,
  revision,
  running,
  type Shape,
  snapshot,
  steps,
  thePlan,
  uuid,
  verified,
} from './snapshots.ts';

const decide = (shape: Shape) => plan(snapshot(shape));

describe('before the plan', () => {
  test('named resources that are not there are waited for, and named', () => {
    const decision = decide({ facts: { unsettled: [{ reason: 'WaitingForInputs', message: 'Pipeline/delays does not exist' }] } });
    expect(decision).toMatchObject({ phase: 'Pending', stalled: { reason: 'WaitingForInputs' }, message: 'Pipeline/delays does not exist' });
  });
  test('a resource that was edited a moment ago is waited for without an alarm', () => {
    const decision = decide({ facts: { unsettled: [{ reason: 'Settling', message: 'Pipeline/delays changed less than 10 s ago' }] } });
    expect(decision.phase).toBe('Pending');
    expect(decision.stalled).toBeUndefined();
  });
  test('servers that cannot be reached are said', () => {
    const decision = decide({ facts: { unreachable: new GrueError('GRUE-PLT-002', 'no broker answers') } });
    expect(decision).toMatchObject({ phase: 'Pending', stalled: { reason: 'PlatformUnavailable' } });
    expect(decision.message).toContain('GRUE-PLT-002');
  });
  test('an older migration over the same resources is waited for', () => {
    expect(
      decide({ facts: { rivals: [{ name: 'older', newer: false, waitsForUs: false, planned: true, flipped: false, goesBack: false }], proposal } }),
    ).toMatchObject({
      phase: 'Pending',
      record: { waitingFor: 'older' },
    });
  });
  test('one without a plan is not waited for where there is nothing to do: of what is applied all at once none supersedes another', () => {
    const older = { name: 'older', newer: false, waitsForUs: false, flipped: false, goesBack: false };
    const nothing = { nothingToDo: 'everything is live' };
    expect(decide({ facts: { rivals: [{ ...older, planned: false }], proposal: nothing } }).record).toMatchObject({ outcome: 'NothingToDo' });
    expect(decide({ facts: { rivals: [{ ...older, planned: true }], proposal: nothing } }).record).toEqual({ waitingFor: 'older' });
    expect(decide({ facts: { rivals: [{ ...older, planned: false }], proposal } }).record).toEqual({ waitingFor: 'older' });
  });
  test('a newer migration whose readers have moved is waited for as well', () => {
    expect(
      decide({ facts: { rivals: [{ name: 'newer', newer: true, waitsForUs: false, planned: true, flipped: true, goesBack: false }], proposal } }),
    ).toMatchObject({
      phase: 'Pending',
    });
  });
  test('a plan that is refused is said with all its reasons at once', () => {
    const refused = [new GrueError('GRUE-API-003', 'a cycle'), new GrueError('GRUE-SQL-003', 'no column')];
    const decision = decide({ facts: { proposal: { refused } } });
    expect(decision.phase).toBe('Planning');
    expect(decision.message).toContain('GRUE-API-003');
    expect(decision.message).toContain('GRUE-SQL-003');
  });
  test('nothing to do is an end', () => {
    expect(decide({ facts: { proposal: { nothingToDo: 'everything is live' } } })).toMatchObject({ phase: 'Completed', record: { outcome: 'NothingToDo' } });
  });
  test('the finalizer comes before the plan, because a deletion must find what the plan leads to', () => {
    expect(decide({ unprotected: true, facts: { proposal } }).effect).toEqual({ kind: 'Protect', hold: true });
  });
  test('the plan is written down before anything is made', () => {
    const decision = decide({ facts: { proposal } });
    expect(decision).toMatchObject({ phase: 'Planning', record: { plan: { hash: thePlan.hash } } });
    expect(decision.effect).toBeUndefined();
  });
});

describe('provisioning', () => {
  const planned = { plan: thePlan };
  test('Revisions are created from the plan that was written down', () => {
    expect(decide({ status: planned, facts: { proposal } })).toMatchObject({ phase: 'Provisioning', effect: { kind: 'CreateRevisions' } });
  });
  test('an edit between the plan and the first Revision makes another plan', () => {
    const other = { plan: { hash: 'another', steps, revisions: [] } };
    expect(decide({ status: planned, facts: { proposal: other } })).toMatchObject({ phase: 'Planning', record: { plan: undefined } });
  });
  test('an edit while Revisions are being made leads to another attempt, which first removes those that are there', () => {
    const other = { plan: { hash: 'another', steps, revisions: [] } };
    const decision = decide({ status: planned, facts: { proposal: other, revisions: named([...blue, ...green.slice(0, 1)]) } });
    expect(decision.record).toMatchObject({ ending: { way: 'Retry' } });
  });
  test('each Revision is waited for, and one that waits is named', () => {
    const late = named([...blue, ...green.slice(0, 2), revision('Connection', 'delays-index', 2, { state: 'Pending' })]);
    expect(decide({ status: planned, facts: { revisions: late } })).toMatchObject({
      phase: 'Provisioning',
      message: expect.stringContaining('connection-delays-index-2'),
    });
  });
  test('a manual Provision waits for the approval of this very plan', () => {
    const spec = { manual: ['Provision' as const] };
    expect(decide({ spec, status: planned, facts: { proposal } })).toMatchObject({ phase: 'AwaitingApproval' });
    expect(decide({ spec: { ...spec, approvals: [{ step: 'Provision', plan: 'another' }] }, status: planned, facts: { proposal } })).toMatchObject({
      phase: 'AwaitingApproval',
    });
    expect(decide({ spec: { ...spec, approvals: [{ step: 'Provision', plan: thePlan.hash }] }, status: planned, facts: { proposal } })).toMatchObject({
      phase: 'Provisioning',
    });
    expect(decide({ spec, status: { ...planned, approved: [{ step: 'Provision', plan: thePlan.hash }] }, facts: { proposal } })).toMatchObject({
      phase: 'Provisioning',
    });
  });
});

describe('catching up and verifying', () => {
  test('green that is far behind gets no fence yet', () => {
    const behind = { ...progress(), lag: 1_000_000n, eta: 100 };
    const decision = decide({ status: { plan: thePlan }, facts: { revisions: bothColours, progress: behind } });
    expect(decision).toMatchObject({ phase: 'CatchingUp' });
    expect(decision.record).toBeUndefined();
  });
  test('a fence is written down before it is used', () => {
    const decision = decide({ status: { plan: thePlan }, facts: running });
    expect(decision).toMatchObject({ phase: 'CatchingUp', record: { fence: { id: 1 } } });
    expect(decision.effect).toBeUndefined();
  });
  test('a stage before the fence is waited for, and named', () => {
    const facts = { revisions: bothColours, progress: progress({ pipeline: 99n }) };
    expect(decide({ status: { plan: thePlan, fence: fenceAt100 }, facts })).toMatchObject({
      phase: 'CatchingUp',
      message: expect.stringContaining('pipeline-delays-2'),
    });
  });
  test('a stage that has stopped by itself does not catch up: what it reports is told, before a fence and at one', () => {
    const paused = { unhealthy: ['connection-delays-index-2: every record is bad'] };
    const told = { phase: 'CatchingUp', stalled: { reason: 'StageUnhealthy' }, message: expect.stringContaining('every record is bad') };
    const behind = { ...progress(paused), lag: 1_000_000n, eta: undefined };
    expect(decide({ status: { plan: thePlan }, facts: { revisions: bothColours, progress: behind } })).toMatchObject(told);
    const late = progress({ ...paused, sink: 99n });
    expect(decide({ status: { plan: thePlan, fence: fenceAt100 }, facts: { revisions: bothColours, progress: late } })).toMatchObject(told);
  });
  test('blue is waited for like green', () => {
    const facts = { revisions: bothColours, progress: progress({ blue: 99n }) };
    expect(decide({ status: { plan: thePlan, fence: fenceAt100 }, facts })).toMatchObject({ phase: 'CatchingUp', message: expect.stringContaining('-1') });
  });
  test('at the fence both sides are counted', () => {
    const decision = decide({ status: { plan: thePlan, fence: fenceAt100 }, facts: running });
    expect(decision).toMatchObject({
      phase: 'Verifying',
      effect: { kind: 'Measure', pairs: [{ alias: 'delays', blue: { uuid: uuid.blue }, green: { uuid: uuid.green } }] },
    });
  });
  test('one passed fence is not enough: another one is taken', () => {
    const status = { plan: thePlan, fence: fenceAt100, gates: [gate('Pass')], fencesPassed: 1 };
    expect(decide({ status, facts: running })).toMatchObject({ record: { fence: { id: 2 } } });
  });
  test('a gate that is inconclusive leads to another fence', () => {
    const status = { plan: thePlan, fence: fenceAt100, gates: [gate('Inconclusive')], fencesPassed: 0 };
    expect(decide({ status, facts: running })).toMatchObject({ record: { fence: { id: 2 } } });
  });
  test('a failed gate holds green to look at, or gives it up, as the spec says', () => {
    const status = { plan: thePlan, fence: fenceAt100, gates: [gate('Fail')], fencesPassed: 0 };
    const facts = { revisions: bothColours, progress: progress() };
    expect(decide({ status, facts }).record).toMatchObject({ ending: { way: 'Hold' } });
    expect(decide({ spec: { onFailure: 'Abort' }, status, facts }).record).toMatchObject({ ending: { way: 'Abort' } });
  });
});

describe('the flip', () => {
  test('the intent is written down first, with concrete indices and their identities', () => {
    const decision = decide({ status: verified, facts: running });
    expect(decision).toMatchObject({ phase: 'Flipping', record: { flip: { direction: 'Forward', intent } } });
    expect(decision.effect).toBeUndefined();
  });
  test('the call is made in a later pass, which reads the intent back', () => {
    const status = { ...verified, flip: { direction: 'Forward' as const, intent, intendedAt: at(1) } };
    expect(decide({ status, facts: running })).toMatchObject({ effect: { kind: 'Flip', moves: intent } });
  });
  test('aliases that are on green already are a flip that was done, and is not repeated', () => {
    const status = { ...verified, flip: { direction: 'Forward' as const, intent, intendedAt: at(1) } };
    const decision = decide({ status, facts: { ...running, aliases: onGreen } });
    expect(decision.record).toMatchObject({ flip: { result: 'Moved' } });
    expect(decision.effect).toBeUndefined();
  });
  test('an alias that somebody has moved elsewhere stops it', () => {
    const status = { ...verified, flip: { direction: 'Forward' as const, intent, intendedAt: at(1) } };
    const aliases = new Map([['delays', [{ index: 'other', uuid: 'other' }]]]);
    expect(decide({ status, facts: { ...running, aliases } })).toMatchObject({ stalled: { reason: 'AliasMoved' } });
  });
  test('an alias on an index that was made again under the same name is elsewhere', () => {
    const status = { ...verified, flip: { direction: 'Forward' as const, intent, intendedAt: at(1) } };
    const aliases = new Map([['delays', [{ index: index.blue, uuid: 'another' }]]]);
    expect(decide({ status, facts: { ...running, aliases } })).toMatchObject({ stalled: { reason: 'AliasMoved' } });
  });
  test('an old verdict is taken again before readers move', () => {
    const status = { ...verified, gates: [gate('Pass', 1, 120)] };
    expect(decide({ status, facts: running })).toMatchObject({ phase: 'Verifying', record: { fencesPassed: 1 } });
  });
  test('a manual flip waits, and what is decided then is judged anew', () => {
    const spec = { manual: ['Flip' as const] };
    const old = { ...verified, gates: [gate('Pass', 1, 120)] };
    expect(decide({ spec, status: old, facts: running })).toMatchObject({ phase: 'AwaitingApproval' });
    const approved = { ...old, approved: [{ step: 'Flip' as const, plan: thePlan.hash }] };
    expect(decide({ spec, status: approved, facts: running })).toMatchObject({ phase: 'Verifying' });
  });
  test('a stage that reports trouble stops the flip', () => {
    const facts = { revisions: bothColours, progress: progress({ unhealthy: ['pipeline-delays-2: paused'] }) };
    expect(decide({ status: verified, facts })).toMatchObject({ stalled: { reason: 'StageUnhealthy' } });
  });
});

describe('the soak and the teardown', () => {
  const soaking = { revisions: bothColours, aliases: onGreen };
  test('blue stays fed until the soak is over', () => {
    expect(decide({ spec: { soak: '2m' }, status: flipped, facts: soaking })).toMatchObject({ phase: 'Soaking' });
  });
  test('the point of no return is written down before the first deletion', () => {
    const decision = decide({ spec: { soak: '10s' }, status: flipped, facts: soaking });
    expect(decision).toMatchObject({ phase: 'TearingDown', record: { pointOfNoReturn: expect.any(String) } });
    expect(decision.effect).toBeUndefined();
  });
  test('searches that are open on blue are waited for', () => {
    const facts = { ...soaking, soak: { blueProvenSecondsAgo: 1, unhealthy: [], openSearches: 2, members: 0 } };
    expect(decide({ spec: { soak: '10s' }, status: flipped, facts })).toMatchObject({ phase: 'TearingDown', message: expect.stringContaining('2 searches') });
  });
  const over = { ...flipped, pointOfNoReturn: at(5) };
  const stopped = revision('Connection', 'delays-index', 1, { state: 'Stopped', role: 'retired' });
  test('the sink of blue stops before anything of it is removed', () => {
    expect(decide({ spec: { soak: '10s' }, status: over, facts: soaking })).toMatchObject({
      phase: 'TearingDown',
      message: expect.stringContaining('stopping'),
    });
    const left = { blueProvenSecondsAgo: undefined, unhealthy: [], openSearches: 0, members: 2 };
    expect(
      decide({ spec: { soak: '10s' }, status: over, facts: { ...soaking, revisions: named([...blue.slice(0, 3), stopped, ...green]), soak: left } }),
    ).toMatchObject({ phase: 'TearingDown', message: expect.stringContaining('2 workers') });
  });
  test('pipelines go before streams, and the index stays while it is to be kept', () => {
    const facts = { revisions: named([...blue.slice(0, 3), stopped, ...green]), aliases: onGreen };
    expect(decide({ spec: { soak: '10s' }, status: over, facts }).effect).toEqual({ kind: 'DeleteRevisions', names: ['pipeline-delays-1'] });
    const withoutPipeline = { ...facts, revisions: named([blue[2] as (typeof blue)[0], stopped, ...green]) };
    expect(decide({ spec: { soak: '10s' }, status: over, facts: withoutPipeline }).effect).toEqual({ kind: 'DeleteRevisions', names: ['stream-delays-1'] });
    const onlySink = { ...facts, revisions: named([stopped, ...green]) };
    expect(decide({ spec: { soak: '10s' }, status: over, facts: onlySink })).toMatchObject({ phase: 'Completed', record: { outcome: 'Completed' } });
  });
  test('what fed an earlier blue goes with it, because the migration that replaced it was deleted before its teardown', () => {
    const left = revision('Pipeline', 'delays', 0, { state: 'Stopped', role: 'retired' });
    const other = revision('Pipeline', 'arrivals', 0, { state: 'Stopped', role: 'retired' });
    const facts = { revisions: named([left, other, stopped, ...green]), aliases: onGreen };
    expect(decide({ spec: { soak: '10s' }, status: over, facts }).effect).toEqual({ kind: 'DeleteRevisions', names: ['pipeline-delays-0'] });
  });
  test('what the migration shares with blue is never removed', () => {
    const facts = { revisions: named([...blue.slice(0, 3), stopped, ...green]), aliases: onGreen };
    expect(JSON.stringify(decide({ spec: { soak: '10s' }, status: over, facts }))).not.toContain('stream-flights-1');
  });
});

describe('off the way', () => {
  const ask = (verb: 'promote' | 'abort' | 'rollback' | 'pause' | 'resume' | 'retry', more = {}) => ({ request: { ask: { id: 'r1', verb, ...more } } });
  test('abort removes green and touches nothing else', () => {
    const status = { plan: thePlan, ending: { way: 'Abort' as const, reason: 'asked', time: at(1) } };
    const decision = decide({ status, facts: { revisions: bothColours } });
    expect(decision.effect).toEqual({ kind: 'DeleteRevisions', names: ['pipeline-delays-2', 'stream-delays-2', 'connection-delays-index-2'] });
    expect(decide({ status, facts: { revisions: named(blue) } })).toMatchObject({ phase: 'Aborted', record: { outcome: 'Aborted' } });
  });
  test('abort after the flip is refused, and says what to do', () => {
    const decision = decide({ status: flipped, facts: { ...ask('abort'), revisions: bothColours, aliases: onGreen } });
    expect(decision.record?.requests?.[0]).toMatchObject({ id: 'r1', result: expect.stringContaining('rollback') });
    expect(decision.record?.ending).toBeUndefined();
  });
  test('rollback before the flip is refused, and says what to do', () => {
    expect(decide({ status: verified, facts: { ...ask('rollback'), ...running } }).record?.requests?.[0]?.result).toContain('use abort');
  });
  test('a request for another attempt or another plan is refused', () => {
    expect(decide({ status: verified, facts: { ...ask('abort', { attempt: 2 }), ...running } }).record?.requests?.[0]?.result).toContain('attempt');
    expect(decide({ status: verified, facts: { ...ask('promote', { plan: 'another' }), ...running } }).record?.requests?.[0]?.result).toContain('plan');
  });
  test('rollback waits until blue has reached a fence taken after the request', () => {
    const status = { ...flipped, ending: { way: 'Rollback' as const, reason: 'asked', time: at(10) } };
    const facts = { revisions: bothColours, aliases: onGreen };
    expect(decide({ status, facts: { ...facts, soak: { blueProvenSecondsAgo: 11, unhealthy: [], openSearches: 0, members: 0 } } }).record).toBeUndefined();
    const back = decide({ status, facts: { ...facts, soak: { blueProvenSecondsAgo: 3, unhealthy: [], openSearches: 0, members: 0 } } });
    expect(back.record?.flip).toMatchObject({ direction: 'Back', intent: [{ alias: 'delays', from: { index: index.green }, to: { index: index.blue } }] });
  });
  test('after the point of no return there is no way back', () => {
    const status = { ...flipped, pointOfNoReturn: at(1) };
    expect(decide({ status, facts: { ...ask('rollback'), revisions: bothColours, aliases: onGreen } }).record?.requests?.[0]?.result).toContain('refused');
  });
  test('a pause takes no step, but a flip that was decided is seen through', () => {
    expect(decide({ spec: { paused: true }, status: verified, facts: running })).toMatchObject({ message: expect.stringContaining('paused') });
    const decided = { ...verified, flip: { direction: 'Forward' as const, intent, intendedAt: at(1) } };
    expect(decide({ spec: { paused: true }, status: decided, facts: running }).effect).toMatchObject({ kind: 'Flip' });
  });
  test('a retry waits until the resources say what the attempt before has given up, but not for ever', () => {
    const held = { ...verified, ending: { way: 'Hold' as const, reason: 'gate failed', time: at(1) } };
    const facts = { ...running, unremembered: true };
    for (const asked of [{ spec: { retry: 1 }, facts }, { facts: { ...facts, ...ask('retry') } }]) {
      expect(decide({ ...asked, status: held })).toMatchObject({ blocked: true, message: expect.stringContaining('what was given up') });
      expect(decide({ ...asked, status: held, facts: { ...asked.facts, blockedMilliseconds: 30_000 } }).record?.ending?.way).toBe('Retry');
    }
    expect(decide({ status: held, facts })).toMatchObject({ phase: 'Held' });
  });
  test('a migration that is held keeps green, and a retry starts the next attempt with nothing of the old one', () => {
    const held = { ...verified, ending: { way: 'Hold' as const, reason: 'gate failed', time: at(1) } };
    expect(decide({ status: held, facts: running })).toMatchObject({ phase: 'Held' });
    const retried = { ...verified, ending: { way: 'Retry' as const, reason: 'asked', time: at(1) } };
    const record = decide({ status: retried, facts: { revisions: named(blue) } }).record;
    expect(record).toMatchObject({ attempt: 2, plan: undefined, fence: undefined, gates: undefined, fencesPassed: undefined, ending: undefined });
  });
  test('a newer migration over the same resources supersedes one whose readers have not moved', () => {
    const rivals = [{ name: 'newer', newer: true, waitsForUs: true, planned: false, flipped: false, goesBack: false }];
    expect(decide({ status: verified, facts: { ...running, rivals } }).record).toMatchObject({ ending: { way: 'Abort', reason: 'superseded by newer' } });
    expect(decide({ status: flipped, facts: { revisions: bothColours, aliases: onGreen, rivals } }).record?.ending).toBeUndefined();
  });
});

describe('an older migration that is tried again', () => {
  const newer = { name: 'newer', newer: true, planned: true, waitsForUs: false, flipped: false, goesBack: false };
  test('waits for a newer one that has begun meanwhile', () => {
    expect(decide({ facts: { rivals: [newer], proposal } })).toMatchObject({ phase: 'Pending', record: { waitingFor: 'newer' } });
  });
  test('supersedes nothing by waiting', () => {
    const rivals = [{ ...newer, newer: false, planned: false, waitsForUs: true }];
    expect(decide({ status: verified, facts: { ...running, rivals } }).record?.ending).toBeUndefined();
  });
});

describe('a Revision that a rival was first to make under the name of the plan', () => {
  const theirs = named([...blue, ...green.map((one) => ({ ...one, spec: { ...one.spec, migration: 'a-rival' } }))]);
  test('is not taken for ours: the plan is made anew', () => {
    expect(decide({ status: { plan: thePlan }, facts: { revisions: theirs } })).toMatchObject({ phase: 'Planning', record: { plan: undefined } });
  });
  test('is not removed by an abort or a deletion', () => {
    const ending = { way: 'Abort' as const, reason: 'asked', time: at(1) };
    expect(decide({ status: { plan: thePlan, ending }, facts: { revisions: theirs } })).toMatchObject({ phase: 'Aborted', record: { outcome: 'Aborted' } });
    expect(decide({ deleted: true, status: { plan: thePlan }, facts: { revisions: theirs } }).effect).toEqual({ kind: 'Protect', hold: false });
  });
});

describe('a newer migration', () => {
  test('that has an error in it supersedes nothing', () => {
    const rivals = [{ name: 'newer', newer: true, waitsForUs: false, planned: true, flipped: false, goesBack: false }];
    expect(decide({ status: verified, facts: { ...running, rivals } }).record?.ending).toBeUndefined();
  });
  test('that is refused does not say that it waits', () => {
    const rivals = [{ name: 'older', newer: false, waitsForUs: false, planned: true, flipped: false, goesBack: false }];
    const decision = decide({ facts: { rivals, proposal: { refused: [new GrueError('GRUE-API-003', 'a cycle')] } } });
    expect(decision).toMatchObject({ phase: 'Planning', stalled: { reason: 'PlanRefused' } });
    expect(decision.record).toBeUndefined();
  });
});

describe('an edit that is taken back while blue is still fed', () => {
  const back = steps.map((step) => (step.action === 'Clone' ? { ...step, from: step.to, to: step.from ?? '', action: 'FlipBack' as const } : step));
  const planned = { plan: { ...thePlan, steps: back } };
  const soaking = { name: 'delays-in-hours', newer: false, planned: true, waitsForUs: false, flipped: true, goesBack: false };
  const onGreenStill = { revisions: bothColours, aliases: onGreen, rivals: [soaking] };

  test('does not wait for the end of the soak, and clones nothing', () => {
    const decision = decide({ facts: { ...onGreenStill, proposal: { plan: { ...planned.plan, revisions: [] } } } });
    expect(decision).toMatchObject({ phase: 'Planning', record: { plan: { hash: thePlan.hash } } });
  });
  test('lets the soaking migration roll back, which says why, and is no refusal of the definition', () => {
    expect(decide({ status: planned, facts: onGreenStill })).toMatchObject({ phase: 'Flipping', record: { waitingFor: 'delays-in-hours' } });
    const rivals = [{ name: 'back', newer: true, planned: true, waitsForUs: true, flipped: false, goesBack: true }];
    const decision = decide({ status: flipped, facts: { revisions: bothColours, aliases: onGreen, rivals } });
    expect(decision).toMatchObject({ phase: 'RollingBack', record: { ending: { way: 'Rollback', reason: expect.stringMatching(/^superseded by back/) } } });
  });
  test('waits for a person first, where the flip is a manual step', () => {
    const spec = { manual: ['Flip' as const] };
    expect(decide({ spec, status: planned, facts: onGreenStill })).toMatchObject({ phase: 'AwaitingApproval' });
    const approved = { ...planned, approved: [{ step: 'Flip' as const, plan: thePlan.hash }] };
    expect(decide({ spec, status: approved, facts: onGreenStill }).record).toEqual({ waitingFor: 'delays-in-hours' });
  });
  test('is completed when the aliases show it', () => {
    const status = { ...planned, waitingFor: 'delays-in-hours' };
    expect(decide({ status, facts: { revisions: bothColours } })).toMatchObject({ phase: 'Completed', record: { outcome: 'Completed' } });
  });
  test('is planned anew where the soak has ended before readers could go back', () => {
    const status = { ...planned, waitingFor: 'delays-in-hours' };
    expect(decide({ status, facts: { revisions: bothColours, aliases: onGreen } }).record).toMatchObject({ plan: undefined, waitingFor: undefined });
  });
  test('comes too late once blue is being torn down', () => {
    const rivals = [{ name: 'back', newer: true, planned: true, waitsForUs: true, flipped: false, goesBack: true }];
    const status = { ...flipped, pointOfNoReturn: at(1) };
    expect(decide({ status, facts: { revisions: bothColours, aliases: onGreen, rivals } }).record?.ending).toBeUndefined();
  });
});

describe('deletion', () => {
  test('before the flip green is removed, then the migration is let go', () => {
    expect(decide({ deleted: true, status: verified, facts: running }).effect).toMatchObject({ kind: 'DeleteRevisions' });
    expect(decide({ deleted: true, status: verified, facts: { revisions: named(blue) } }).effect).toEqual({ kind: 'Protect', hold: false });
  });
  test('after the flip nothing is deleted and nothing is moved', () => {
    expect(decide({ deleted: true, status: flipped, facts: { revisions: bothColours, aliases: onGreen } }).effect).toEqual({ kind: 'Protect', hold: false });
  });
  test('at the flip the aliases say which side it is', () => {
    const decided = { ...verified, flip: { direction: 'Forward' as const, intent, intendedAt: at(1) } };
    expect(decide({ deleted: true, status: decided, facts: { ...running, aliases: onGreen } }).effect).toEqual({ kind: 'Protect', hold: false });
    expect(decide({ deleted: true, status: decided, facts: running }).effect).toMatchObject({ kind: 'DeleteRevisions' });
  });
});
