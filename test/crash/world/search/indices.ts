import { GrueError } from '../../../../src/api/errors.ts';
import type { Clock } from '../../../../src/controller/clock.ts';
import { writerAlias } from '../../../../src/drivers/elasticsearch/indices.ts';
import type { AliasTarget, IndexSpec } from '../../../../src/drivers/ports.ts';
import { MemoryIndex } from './index.ts';

/** The indices of a cluster by name; a uuid is given once. */
export class Indices {
  readonly clock: Pick<Clock, 'monotonic' | 'schedule'>;
  readonly #note: (happened: string) => void;
  #indices = new Map<string, MemoryIndex>();
  #made = 0;

  constructor(clock: Pick<Clock, 'monotonic' | 'schedule'>, note: (happened: string) => void) {
    this.clock = clock;
    this.#note = note;
  }

  get(name: string): MemoryIndex | undefined {
    return this.#indices.get(name);
  }

  all(): readonly MemoryIndex[] {
    return [...this.#indices.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws GrueError GRUE-ES-002, or GRUE-ES-006 for a name that is an alias */
  make(spec: IndexSpec): MemoryIndex {
    if (this.targets(spec.name).length > 0)
      throw new GrueError('GRUE-ES-006', `creating index ${spec.name}: Invalid index name [${spec.name}], already exists as alias`);
    return this.put(new MemoryIndex(spec, this.newUuid(), this.clock));
  }

  put(index: MemoryIndex): MemoryIndex {
    this.#indices.set(index.name, index);
    this.#note(`created index ${index.name} (${index.uuid})`);
    return index;
  }

  remove(name: string): void {
    const index = this.#indices.get(name);
    if (index === undefined) return;
    this.moveAliases(readerAliases(index), () => {
      this.#indices.delete(name);
      this.#note(`deleted index ${name} (${index.uuid})`);
    });
  }

  newUuid(): string {
    this.#made += 1;
    return `index-${String(this.#made).padStart(16, '0')}`;
  }

  targets(alias: string): readonly AliasTarget[] {
    return this.all().flatMap((index) => {
      const properties = index.aliases.get(alias);
      return properties === undefined ? [] : [{ index: index.name, uuid: index.uuid, ...properties }];
    });
  }

  /** Calls `change`, and notes where the aliases are then, if they have moved. */
  moveAliases(aliases: readonly string[], change: () => void): void {
    const placeOf = (alias: string): string =>
      this.targets(alias)
        .map(({ index }) => index)
        .join(' and ') || 'nothing';
    const before = aliases.map(placeOf);
    change();
    for (const [n, alias] of aliases.entries()) {
      const after = placeOf(alias);
      if (after !== before[n]) this.#note(`alias ${alias}: ${before[n]} -> ${after}`);
    }
  }

  copy(): readonly MemoryIndex[] {
    return this.all().map((index) => index.copy());
  }

  restore(indices: readonly MemoryIndex[]): void {
    // A uuid is never given twice, also where these indices were made in another world.
    for (const { uuid } of indices) this.#made = Math.max(this.#made, Number(uuid.slice('index-'.length)));
    this.#indices = new Map(indices.map((index) => [index.name, index.copy()]));
  }
}

/** All its aliases but the one through which workers write. */
export const readerAliases = ({ name, aliases }: MemoryIndex): readonly string[] => [...aliases.keys()].filter((alias) => alias !== writerAlias(name));

/** @throws GrueError GRUE-ES-005 unless the index exists with this uuid */
export function requireIndex(index: string, uuid: string, found: MemoryIndex | undefined): MemoryIndex {
  if (found?.uuid === uuid) return found;
  throw new GrueError(
    'GRUE-ES-005',
    found === undefined ? `index ${index} does not exist` : `index ${index} has the uuid ${found.uuid}, not ${uuid}: it was deleted and made anew`,
  );
}
