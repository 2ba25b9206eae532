import type { Clock } from '../../../src/controller/clock.ts';
import type { DocumentWriter } from '../../../src/drivers/elasticsearch/bulk.ts';
import { exactJson } from '../../../src/drivers/elasticsearch/json.ts';
import type { IndexFacts, IndexSpec, SearchCluster } from '../../../src/drivers/ports.ts';
import type { AliasProperties, Json, MemoryIndex, StoredDocument } from './search/index.ts';
import { Indices, readerAliases } from './search/indices.ts';
import { type SearchCommand, searchPort } from './search/port.ts';
import { matches } from './search/query.ts';
import { digestIn } from './search/view.ts';
import { memoryWriter } from './search/writer.ts';

/** A document as a reader gets it. */
export interface Hit {
  readonly _index: string;
  readonly _id: string;
  readonly _version: bigint;
  readonly _source: Json;
}

/** What the disks held at one moment. */
export interface SearchCheckpoint {
  readonly indices: readonly MemoryIndex[];
}

/** All that is there, as plain JSON; the aliases of the writers left out. */
export interface SearchSnapshot {
  readonly indices: Readonly<Record<string, IndexSnapshot>>;
  /** By alias and index. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, AliasProperties>>>>;
}

export interface IndexSnapshot {
  readonly uuid: string;
  readonly meta: IndexFacts['meta'];
  readonly settings: Json;
  /** By id; `source` is the JSON as it is stored. */
  readonly documents: Readonly<Record<string, { readonly version: string; readonly digest: string; readonly source: string }>>;
}

/** An Elasticsearch cluster in memory: the port, what workers use, and the hands of everybody else. All but the ports is synchronous. */
export interface MemorySearch {
  readonly cluster: SearchCluster;
  writer(): DocumentWriter;

  /** By hand, so without an alias for a writer. @throws Error if it exists */
  createIndex(spec: IndexSpec): { readonly uuid: string };
  /** Adds it; it stays on other indices. */
  setAlias(alias: string, index: string, properties?: AliasProperties): void;
  /** @param index from all of them when absent */
  removeAlias(alias: string, index?: string): void;
  deleteIndex(name: string): void;
  /** Edits `_meta`. */
  setMeta(name: string, meta: Json | undefined): void;
  setSettings(name: string, settings: Json): void;
  setHealth(name: string, health: IndexFacts['health']): void;
  /** Writes documents by hand. @throws Error for a conflict */
  put(index: string, documents: readonly { readonly id: string; readonly version?: bigint | undefined; readonly source: Json }[]): void;
  /** A search through an alias or in an index: what has been refreshed, through the filter of the alias. @throws Error for a name that leads nowhere */
  read(name: string): readonly Hit[];
  /** Everything that is stored, refreshed or not. */
  documents(index: string): readonly Hit[];
  /** A reader's scroll. */
  openContext(index: string): { close(): void };
  /** While it is true nobody is answered. */
  down: boolean;

  /** What was made and removed, and where aliases went, in order. */
  history(): readonly string[];
  checkpoint(): SearchCheckpoint;
  /** Goes back to what the disks held: uuids stay. */
  restore(checkpoint: SearchCheckpoint): void;
  /** Brings one index back from a repository of snapshots, with its aliases: under a uuid of its own. */
  restoreIndex(checkpoint: SearchCheckpoint, name: string): void;
  snapshot(): SearchSnapshot;
}

export interface MemorySearchOptions {
  /** Governs refreshes, keep-alives and how long deletions are remembered. */
  readonly clock: Clock;
  readonly clusterUuid?: string;
  /** How long a command is on its way after the look that it rests on; it arrives whoever has given up meanwhile. Without it, at once. */
  readonly onTheWay?: (command: SearchCommand) => Promise<void>;
}

export function memorySearch({ clock, clusterUuid = 'memory-search', onTheWay }: MemorySearchOptions): MemorySearch {
  const history: string[] = [];
  const indices = new Indices(clock, (happened) => void history.push(happened));
  const nodes = { clusterUuid, indices, down: () => search.down, onTheWay };

  const required = (name: string): MemoryIndex => {
    const index = indices.get(name);
    if (index === undefined) throw new Error(`there is no index ${name}`);
    return index;
  };

  const search: MemorySearch = {
    cluster: searchPort(nodes),
    writer: () => memoryWriter(nodes),
    createIndex: (spec) => {
      if (indices.get(spec.name)) throw new Error(`index ${spec.name} exists`);
      return { uuid: indices.make(spec).uuid };
    },
    setAlias: (alias, index, properties = {}) => indices.moveAliases([alias], () => required(index).aliases.set(alias, properties)),
    removeAlias: (alias, index) =>
      indices.moveAliases([alias], () => {
        for (const one of index === undefined ? indices.all() : [required(index)]) one.aliases.delete(alias);
      }),
    deleteIndex: (name) => indices.remove(required(name).name),
    setMeta: (name, meta) => {
      const index = required(name);
      index.mappings = { ...index.mappings, _meta: meta };
    },
    setSettings: (name, settings) => {
      const index = required(name);
      index.settings = { ...index.settings, ...settings };
    },
    setHealth: (name, health) => {
      required(name).health = health;
    },
    put: (name, documents) => {
      for (const { id, version, source } of documents) {
        const failure = required(name).write({ action: 'index', id, version, source });
        if (failure) throw new Error(failure.reason);
      }
    },
    read: (name) => {
      const concrete = indices.get(name);
      const targets = concrete ? [concrete] : indices.targets(name).map(({ index }) => required(index));
      if (targets.length === 0) throw new Error(`no such index [${name}]`);
      return targets.flatMap((index) => {
        const { filter } = index.aliases.get(name) ?? {};
        index.queries += 1;
        return hitsOf(index, index.visible).filter(({ _source }) => filter === undefined || matches(filter, _source));
      });
    },
    documents: (name) => hitsOf(required(name), required(name).stored),
    openContext: (name) => {
      const index = required(name);
      index.contexts += 1;
      return {
        close: () => {
          index.contexts -= 1;
        },
      };
    },
    down: false,
    history: () => history,
    checkpoint: () => ({ indices: indices.copy() }),
    restore: (checkpoint) => indices.restore(checkpoint.indices),
    restoreIndex: (checkpoint, name) => {
      const found = checkpoint.indices.find((index) => index.name === name);
      if (found === undefined) throw new Error(`the checkpoint holds no index ${name}`);
      if (indices.get(name)) throw new Error(`index ${name} exists`);
      const restored = found.copy(indices.newUuid());
      indices.moveAliases(readerAliases(restored), () => void indices.put(restored));
    },
    snapshot: () => ({
      indices: Object.fromEntries(indices.all().map((index) => [index.name, snapshotOf(index)])),
      aliases: aliasesOf(indices.all()),
    }),
  };
  return search;
}

const hitsOf = ({ name }: MemoryIndex, documents: ReadonlyMap<string, StoredDocument>): readonly Hit[] =>
  inOrder(documents).map(([id, { version, source }]) => ({ _index: name, _id: id, _version: version, _source: source }));

const inOrder = <T>(entries: Iterable<readonly [string, T]>): readonly (readonly [string, T])[] => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

const snapshotOf = ({ uuid, facts, settings, stored }: MemoryIndex): IndexSnapshot => ({
  uuid,
  meta: facts.meta,
  settings,
  documents: Object.fromEntries(
    inOrder(stored).map(([id, { version, source }]) => [id, { version: String(version), digest: digestIn(source), source: exactJson(source) }]),
  ),
});

function aliasesOf(all: readonly MemoryIndex[]): SearchSnapshot['aliases'] {
  const placed = all.flatMap((index) => readerAliases(index).map((alias) => ({ alias, index: index.name, properties: index.aliases.get(alias) ?? {} })));
  const byAlias = Map.groupBy(placed, ({ alias }) => alias);
  return Object.fromEntries(
    inOrder(byAlias).map(([alias, targets]) => [alias, Object.fromEntries(targets.map(({ index, properties }) => [index, properties]))]),
  );
}
