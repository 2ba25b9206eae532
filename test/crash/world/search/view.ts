import { GrueError } from '../../../../src/api/errors.ts';
import type { IndexView, OriginRange } from '../../../../src/drivers/ports.ts';
import { formatDigest } from '../../../../src/records/digest.ts';
import type { Json, MemoryIndex, StoredDocument } from './index.ts';
import type { Indices } from './indices.ts';
import { matches } from './query.ts';

const KEEP_ALIVE_MS = 300_000;

/** Where a document says that it comes from. */
interface Stamp {
  readonly root: string;
  readonly epoch: number;
  readonly p: number;
  readonly o: number | bigint;
}

/** A point in time of one index: what was visible then, as long as the index is there. */
export function openView(indices: Indices, index: MemoryIndex, reach: (signal: AbortSignal) => void): IndexView {
  const documents = index.visible;
  let usedAt = indices.clock.monotonic();
  let isOpen = true;
  index.contexts += 1;
  const close = (): void => {
    if (isOpen) index.contexts -= 1;
    isOpen = false;
  };
  const search = (signal: AbortSignal): ReadonlyMap<string, StoredDocument> => {
    reach(signal);
    const now = indices.clock.monotonic();
    if (now - usedAt > KEEP_ALIVE_MS) close();
    usedAt = now;
    if (!isOpen || indices.get(index.name) !== index) throw new GrueError('GRUE-ES-006', `searching ${index.name}: No search context found`);
    index.queries += 1;
    return documents;
  };
  const stamps = (signal: AbortSignal): readonly (Stamp | undefined)[] => [...search(signal).values()].map(({ source }) => stampOf(source));

  return {
    index: index.name,
    uuid: index.uuid,
    countByOrigin: async (ranges, signal) => {
      if (ranges.length === 0) return [];
      const found = stamps(signal).filter((stamp) => stamp !== undefined);
      return ranges.map((range) => found.filter((stamp) => isWithin(stamp, range)).length);
    },
    count: async (signal) => search(signal).size,
    countForeign: async (roots, signal) => stamps(signal).filter((stamp) => stamp === undefined || !roots.includes(stamp.root)).length,
    minimumOrigins: async (signal) => smallest(stamps(signal).filter((stamp) => stamp !== undefined)),
    versions: async (ids, signal) => {
      if (ids.length === 0) return new Map();
      const found = search(signal);
      return new Map(ids.flatMap((id) => versionOf(id, found.get(id))));
    },
    countThrough: async (filter, _routing, signal) => {
      // one shard, so every routing leads to all of it
      const found = search(signal);
      return filter === undefined ? found.size : [...found.values()].filter(({ source }) => matches(filter, source)).length;
    },
    close: async () => close(),
  };
}

function stampOf(source: Json): Stamp | undefined {
  const stamp = source['grue'] as Stamp | undefined;
  return stamp?.o === undefined ? undefined : stamp;
}

function isWithin({ root, epoch, p, o }: Stamp, range: OriginRange): boolean {
  const offset = BigInt(o);
  return root === range.root && epoch === range.epoch && p === range.partition && offset >= range.from && offset < range.to;
}

function smallest(stamps: readonly Stamp[]): Awaited<ReturnType<IndexView['minimumOrigins']>> {
  const least = new Map<string, { root: string; epoch: number; partition: number; offset: bigint }>();
  for (const { root, epoch, p, o } of stamps) {
    const key = `${root}/${epoch}/${p}`;
    const offset = BigInt(o);
    const before = least.get(key);
    if (before === undefined || offset < before.offset) least.set(key, { root, epoch, partition: p, offset });
  }
  return [...least.values()];
}

function versionOf(id: string, found: StoredDocument | undefined): readonly [string, { version: string; digest: string }][] {
  return found === undefined ? [] : [[id, { version: String(found.version), digest: digestIn(found.source) }]];
}

/** The limbs of the digest that stand in a document; empty for one without. */
export function digestIn(source: Json): string {
  const { h1, h2, h3, h4 } = (source['grue'] ?? {}) as { readonly h1?: number; readonly h2?: number; readonly h3?: number; readonly h4?: number };
  return h1 === undefined || h2 === undefined || h3 === undefined || h4 === undefined ? '' : formatDigest([h1, h2, h3, h4]);
}
