import { durationMilliseconds } from '../../src/api/common.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { StreamMigration } from '../../src/api/stream-migration.ts';
import type { Simulation } from './simulation.ts';

/** Readers who search through the aliases all the time. Once there is something to read, there always is, and all of it is of one side. */
export function watchReaders({ search, clock }: Simulation, aliases: readonly string[], complain: (what: string) => void): { look(): void } {
  const served = new Set<string>();
  const lookAt = (alias: string): void => {
    const complainOf = (what: string): void => complain(`at ${clock.monotonic() / 1_000} s a reader of ${alias} ${what}`);
    try {
      const hits = search.read(alias);
      const indices = new Set(hits.map(({ _index }) => _index));
      if (indices.size > 1) complainOf(`saw a mixture of ${[...indices].join(' and ')}`);
      if (hits.length > 0) served.add(alias);
      else if (served.has(alias)) complainOf('saw nothing');
    } catch (error) {
      if (served.has(alias)) complainOf(`was refused: ${(error as Error).message}`);
    }
  };
  return {
    look() {
      for (const alias of aliases) lookAt(alias);
    },
  };
}

/** Times of the world and of the wall are told a moment apart. */
const moment = 500;

/**
 * What a status says about readers has to be so at that moment: nobody but the operator moves them here. And blue is fed, and what was deleted
 * kept, for as long as was asked for, whatever the clocks of operators say.
 */
export function watchTruth({ store, search, clock }: Simulation, complain: (what: string) => void): void {
  let told = '';
  const movedAt = new Map<string, number>();
  const lookAtSoak = ({ metadata: { name, uid }, status, spec }: StreamMigration): void => {
    if (status?.flip?.result !== 'Moved' || status.flip.direction !== 'Forward') movedAt.delete(uid);
    else if (!movedAt.has(uid)) movedAt.set(uid, clock.monotonic());
    const lasted = clock.monotonic() - (movedAt.get(uid) ?? Number.NEGATIVE_INFINITY);
    if (status?.pointOfNoReturn !== undefined && lasted < durationMilliseconds(spec.soak) - moment)
      complain(`at ${clock.monotonic() / 1_000} s ${name} has ended its soak of ${spec.soak} after ${lasted / 1_000} s`);
  };
  const goneAt = new Map<string, number>();
  store.follow(kinds.Connection, undefined, store.version(), (event) => {
    if (event.type === 'DELETED') goneAt.set(event.object.metadata.name, clock.monotonic());
  });
  store.follow(kinds.Revision, undefined, store.version(), (event) => {
    if (event.type !== 'MODIFIED') return;
    const { metadata, spec, status } = event.object as unknown as Revision;
    const lasted = clock.monotonic() - (goneAt.get(spec.of.name) ?? clock.monotonic());
    if (metadata.deletionTimestamp !== undefined && status?.reclaimAfter !== undefined && lasted < durationMilliseconds(status.reclaimAfter) - moment)
      complain(
        `at ${clock.monotonic() / 1_000} s ${metadata.name} is removed ${lasted / 1_000} s after the deletion of what it realises, and not ${status.reclaimAfter}`,
      );
  });
  store.follow(kinds.StreamMigration, undefined, store.version(), (event) => {
    if (event.type !== 'MODIFIED') return;
    const { metadata, status } = event.object as unknown as StreamMigration;
    lookAtSoak(event.object as unknown as StreamMigration);
    const said = `${metadata.name} ${status?.flip?.direction} ${status?.flip?.result}`;
    if (said === told) return;
    told = said;
    if (status?.flip?.result !== 'Moved') return;
    const { aliases } = search.snapshot();
    for (const { alias, to } of status.flip.intent)
      if (Object.keys(aliases[alias] ?? {}).join() !== to.index)
        complain(`at ${clock.monotonic() / 1_000} s ${metadata.name} says that readers of ${alias} are on ${to.index}, and they are not`);
  });
}
