import { kinds } from '../../src/api/kinds.ts';
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

/** What a status says about readers has to be so at that moment: nobody but the operator moves them here. */
export function watchTruth({ store, search, clock }: Simulation, complain: (what: string) => void): void {
  let told = '';
  store.follow(kinds.StreamMigration, undefined, store.version(), (event) => {
    if (event.type !== 'MODIFIED') return;
    const { metadata, status } = event.object as unknown as StreamMigration;
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
