import { GrueError } from '../../../../src/api/errors.ts';
import type { Cancel, Clock } from '../../../../src/controller/clock.ts';
import type { AliasTarget, IndexFacts, IndexSpec } from '../../../../src/drivers/ports.ts';

export type Json = Readonly<Record<string, unknown>>;
export type AliasProperties = Omit<AliasTarget, 'index' | 'uuid'>;

export interface StoredDocument {
  readonly version: bigint;
  readonly source: Json;
}

export interface Operation {
  readonly action: 'create' | 'index' | 'delete';
  readonly id: string;
  /** External; without one the index counts by itself. */
  readonly version?: bigint | undefined;
  readonly source?: Json | undefined;
}

/** What was wrong with an operation, as Elasticsearch says it; undefined when it was carried out. */
export type Failure = { readonly status: number; readonly type: string; readonly reason: string } | undefined;

const types =
  'binary boolean byte constant_keyword date date_nanos dense_vector double flattened float geo_point half_float integer ip keyword long match_only_text nested object scaled_float search_as_you_type short text unsigned_long version wildcard';
const known = new Set(types.split(' '));

/** One index: documents that are stored, and those among them that searches see. */
export class MemoryIndex {
  readonly name: string;
  readonly uuid: string;
  readonly aliases = new Map<string, AliasProperties>();
  mappings: Json;
  settings: Json;
  health: IndexFacts['health'] = 'green';
  /** Search contexts that are open, and queries so far. */
  contexts = 0;
  queries = 0;
  #stored = new Map<string, StoredDocument>();
  #visible: ReadonlyMap<string, StoredDocument> = new Map();
  /** Versions of what was deleted, and when in monotonic milliseconds. */
  #deleted = new Map<string, { readonly version: bigint; readonly at: number }>();
  readonly #clock: Pick<Clock, 'monotonic' | 'schedule'>;
  #refresh: Cancel | undefined;

  /** @throws GrueError GRUE-ES-002 for mappings that Elasticsearch refuses */
  constructor({ name, mappings, settings }: IndexSpec, uuid: string, clock: Pick<Clock, 'monotonic' | 'schedule'>) {
    for (const [field, { type }] of Object.entries((mappings['properties'] ?? {}) as Record<string, { readonly type?: string }>)) {
      if (type !== undefined && !known.has(type))
        throw new GrueError(
          'GRUE-ES-002',
          `creating index ${name}: Failed to parse mapping: The mapper type [${type}] declared on field [${field}] does not exist.`,
          {
            at: `field ${field}`,
          },
        );
    }
    this.name = name;
    this.uuid = uuid;
    this.mappings = mappings;
    this.settings = flat(settings);
    this.#clock = clock;
  }

  get facts(): IndexFacts {
    const { number_of_replicas: replicas = 1, refresh_interval: interval } = this.settings;
    const meta = this.mappings['_meta'] as IndexFacts['meta'];
    const refreshInterval = interval === undefined ? undefined : String(interval);
    return { name: this.name, uuid: this.uuid, meta, replicas: Number(replicas), refreshInterval, health: this.health };
  }

  /** What searches see. It never changes: the next refresh puts another one in its place. */
  get visible(): ReadonlyMap<string, StoredDocument> {
    return this.#visible;
  }

  get stored(): ReadonlyMap<string, StoredDocument> {
    return this.#stored;
  }

  refresh(): void {
    this.#refresh?.();
    this.#refresh = undefined;
    this.#visible = new Map(this.#stored);
  }

  write({ action, id, version, source = {} }: Operation): Failure {
    const stored = this.#stored.get(id);
    if (action === 'create' && stored) return conflict(id, `document already exists (current version [${stored.version}])`);
    const current = stored?.version ?? this.#tombstone(id);
    if (version !== undefined && current !== undefined && current >= version)
      return conflict(id, `current version [${current}] is higher or equal to the one provided [${version}]`);
    const refused = action === 'delete' ? undefined : this.#refused(source);
    if (refused) return refused;
    const next = version ?? (current ?? 0n) + 1n;
    if (action === 'delete') {
      this.#stored.delete(id);
      this.#deleted.set(id, { version: next, at: this.#clock.monotonic() });
    } else {
      this.#stored.set(id, { version: next, source });
      this.#deleted.delete(id);
    }
    this.#refreshLater();
    return undefined;
  }

  /** The same documents in an index of its own. */
  copy(uuid = this.uuid): MemoryIndex {
    const copy = new MemoryIndex(this, uuid, this.#clock);
    copy.health = this.health;
    copy.#stored = new Map(this.#stored);
    copy.#deleted = new Map(this.#deleted);
    copy.refresh();
    for (const [alias, properties] of this.aliases) copy.aliases.set(alias, properties);
    return copy;
  }

  /** The deletion of a document is remembered for a while, so that an older write does not bring it back. */
  #tombstone(id: string): bigint | undefined {
    const found = this.#deleted.get(id);
    const kept = milliseconds(String(this.settings['gc_deletes'] ?? '60s'));
    return found !== undefined && this.#clock.monotonic() - found.at <= kept ? found.version : undefined;
  }

  #refused(source: Json): Failure {
    if (this.mappings['dynamic'] !== 'strict') return undefined;
    const properties = (this.mappings['properties'] ?? {}) as Json;
    const stray = Object.keys(source).find((field) => !(field in properties));
    if (stray === undefined) return undefined;
    return {
      status: 400,
      type: 'strict_dynamic_mapping_exception',
      reason: `mapping set to strict, dynamic introduction of [${stray}] within [_doc] is not allowed`,
    };
  }

  #refreshLater(): void {
    const interval = String(this.settings['refresh_interval'] ?? '1s');
    if (interval === '-1') return;
    this.#refresh ??= this.#clock.schedule(milliseconds(interval), () => this.refresh());
  }
}

const conflict = (id: string, why: string): Failure => ({
  status: 409,
  type: 'version_conflict_engine_exception',
  reason: `[${id}]: version conflict, ${why}`,
});

function milliseconds(text: string): number {
  const [, amount = '0', unit = 'ms'] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(amount) * ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 1);
}

/** `{index: {a: 1}}` and `{"index.a": 1}` and `{a: 1}` say the same. */
function flat(settings: Json): Json {
  const nested = (settings['index'] ?? {}) as Json;
  const own = Object.entries(settings).filter(([name]) => name !== 'index');
  return Object.fromEntries([...Object.entries(nested), ...own].map(([name, value]) => [name.replace(/^index\./, ''), value]));
}
