import type { Revision } from '../../../api/revision.ts';
import { keyOf } from '../../../topology/graph.ts';
import { type Decision, deleting, note, poll, type Step, waitFor } from '../decision.ts';
import type { Snapshot } from '../snapshot.ts';
import { blueOriginals, timeOf } from '../status.ts';

/** Blue is stopped from the sink up and removed; its index stays while within keepVersions. From the first deletion on there is only forward. */
export const tearDown: Step = (s) => {
  if (s.status.pointOfNoReturn === undefined) {
    if ((s.soak?.openSearches ?? 0) > 0) return waitFor('TearingDown', `${s.soak?.openSearches} searches are still open on blue`, poll);
    return note('TearingDown', 'the soak is over: blue is torn down', { pointOfNoReturn: timeOf(s) });
  }
  // An external stream may still be read by what was not cloned: its old Revision goes only when nothing leads to it any more.
  const blue = [...new Set([...blueOriginals(s).flatMap((name) => s.revisions.get(name) ?? []), ...droppedWriters(s), ...leftRetired(s)])].filter(
    ({ spec, status }) => spec.stream?.external !== true || status?.role === 'retired',
  );
  const running = blue.filter(({ spec, status }) => spec.connection !== undefined && status?.state !== 'Stopped');
  if (running.length > 0) return waitFor('TearingDown', `${running.length} sinks of blue are stopping`, poll);
  if ((s.soak?.members ?? 0) > 0) return waitFor('TearingDown', `${s.soak?.members} workers are leaving the sinks of blue`, 300);
  return (
    remove(blue.filter(({ spec }) => spec.pipeline !== undefined)) ?? remove(blue.filter(({ spec }) => spec.stream !== undefined)) ?? remove(beyondKept(s))
  );
};

/** Pipelines that write into a stream of blue and have no counterpart in green, because nobody asks for them any more. */
function droppedWriters(s: Snapshot): readonly Revision[] {
  const blue = new Set(blueOriginals(s));
  return [...s.revisions.values()].filter(({ metadata, spec }) => spec.pipeline && blue.has(spec.pipeline.writes.revision) && !blue.has(metadata.name));
}

/** What fed a blue before ours: its migration was deleted after the flip, so nobody has torn it down. */
function leftRetired(s: Snapshot): readonly Revision[] {
  const cloned = new Set((s.status.plan?.steps ?? []).filter(({ action }) => action === 'Clone').map(({ of }) => keyOf(of)));
  return [...s.revisions.values()].filter(({ spec, status }) => spec.connection === undefined && status?.role === 'retired' && cloned.has(keyOf(spec.of)));
}

/** Retired sink Revisions that are older than the ones to keep. */
function beyondKept(s: Snapshot): readonly Revision[] {
  const sinks = (s.status.plan?.steps ?? []).filter(({ of }) => of.kind === 'Connection').map(({ of }) => of.name);
  return sinks.flatMap((name) => {
    const own = [...s.revisions.values()].filter(({ spec }) => spec.connection !== undefined && spec.of.name === name);
    const keep =
      own.reduce((newest, revision) => (revision.spec.number > newest.spec.number ? revision : newest), own[0] as Revision).spec.connection?.keepVersions ?? 0;
    return own
      .filter(({ status }) => status?.role === 'retired')
      .sort((a, b) => b.spec.number - a.spec.number)
      .slice(keep);
  });
}

function remove(revisions: readonly Revision[]): Decision | undefined {
  const asked = revisions.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (asked.length > 0)
    return deleting(
      'TearingDown',
      `removing ${asked.map(({ metadata }) => metadata.name).join(', ')}`,
      asked.map(({ metadata }) => metadata.name),
    );
  return revisions.length > 0 ? waitFor('TearingDown', `${revisions.length} Revisions of blue are being removed`, poll) : undefined;
}
