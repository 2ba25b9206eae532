import type { Binding } from '../../api/revision.ts';
import type { FenceRecord } from '../../api/stream-migration.ts';
import type { IndexView, Offset, Offsets } from '../../drivers/ports.ts';
import type { ChangeSide } from '../../parity/change.ts';
import { decodeOffsets } from '../../parity/offsets.ts';
import { documentIdOfKey } from '../../records/identity.ts';
import { formatOrigin, type Origin, parseStamp, stampHeader } from '../../records/provenance.ts';
import type { Servers } from '../servers.ts';
import type { World } from '../world.ts';
import type { PairMeasurement } from './measurement.ts';
import type { Snapshot } from './snapshot.ts';
import { openKey } from './status.ts';

/** One side of a pair: what its sink reads, and its index in one point-in-time. */
interface Side {
  readonly reads: Binding;
  readonly view: IndexView;
}

/** Ids that records at or after the fence have touched, by the origin of the record, in the order of the topic. */
type Pending = ReadonlyMap<string, string>;

/** Counts both sides of a stream with one document per key, and tells apart what is in motion. */
export async function countChange(
  fence: FenceRecord,
  alias: string,
  blue: Side,
  green: Side,
  snapshot: Snapshot,
  servers: Servers,
  world: World,
  signal: AbortSignal,
): Promise<PairMeasurement['counts']> {
  const open = world.memory.open.get(openKey(snapshot, alias));
  const look = () => pendingOfBoth(fence, blue.reads, green.reads, servers, signal);
  const rekeyed = JSON.stringify(blue.reads.keys?.primary) !== JSON.stringify(green.reads.keys?.primary);
  const { blue: inBlue, green: inGreen, unmatched } = rekeyed ? await untilMatched(look, world, signal) : { ...(await look()), unmatched: 0 };
  const asked = [...new Set([...inBlue.values(), ...inGreen.values(), ...(open?.keys() ?? [])])];
  const side = async ({ view }: Side, pending: Pending): Promise<ChangeSide> => ({
    total: await view.count(signal),
    pending: new Set(pending.values()),
    present: new Map([...(await view.versions(asked, signal))].map(([id, { version }]) => [id, version])),
  });
  const [blueSide, greenSide] = await Promise.all([side(blue, inBlue), side(green, inGreen)]);
  return { type: 'Change', blue: blueSide, green: greenSide, open, ...(rekeyed ? { rekeyed: { unmatched } } : {}) };
}

const patience = { milliseconds: 5_000, between: 200 };

/**
 * Under another key only the origin says which id of one side is which of the other, so a record that one side has got already is waited for
 * on the other. The views stay as they are: what comes later is in motion on both sides.
 */
async function untilMatched(look: () => Promise<{ readonly blue: Pending; readonly green: Pending }>, { clock }: World, signal: AbortSignal) {
  const end = clock.monotonic() + patience.milliseconds;
  const first = await look();
  const wanted = new Set([...first.blue.keys(), ...first.green.keys()]);
  for (let found = first; ; found = await look()) {
    const unmatched = [...wanted].filter((origin) => !found.blue.has(origin) || !found.green.has(origin)).length;
    if (unmatched === 0 || clock.monotonic() > end) return { ...found, unmatched };
    await clock.sleep(patience.between, signal);
  }
}

async function pendingOfBoth(fence: FenceRecord, blue: Binding, green: Binding, servers: Servers, signal: AbortSignal) {
  const ends = await servers.kafka.offsets([blue.topic, green.topic], 'HighWatermark', signal);
  const inBlue = await pendingIds(fence, blue, ends, servers, signal);
  const shared = blue.topic === green.topic && JSON.stringify(blue.keys?.primary) === JSON.stringify(green.keys?.primary);
  return { blue: inBlue, green: shared ? inBlue : await pendingIds(fence, green, ends, servers, signal) };
}

/** What a record at or after the fence has touched, and either side may therefore show in another state. */
async function pendingIds(fence: FenceRecord, reads: Binding, ends: ReadonlyMap<string, Offsets>, servers: Servers, signal: AbortSignal): Promise<Pending> {
  const ids = new Map<string, string>();
  const low = decodeOffsets(fence.offsets.find(({ topic }) => topic === reads.topic)?.low ?? '');
  for (const [partition, to] of (ends.get(reads.topic) ?? []).entries()) {
    const from = low[partition] ?? 0n;
    if (to === undefined || from >= to) continue;
    for await (const record of servers.kafka.read(reads.topic, partition, from, to, signal)) {
      const origin = originOf(record, partition, reads);
      if (origin && isBeforeFence(fence, reads, origin)) continue;
      const id = documentIdOfKey(record.key, reads);
      if (id !== undefined) ids.set(origin ? formatOrigin(origin) : `${partition}/${record.offset}`, id);
    }
  }
  return ids;
}

function originOf(
  record: { readonly offset: Offset; readonly headers: Readonly<Record<string, string>> },
  partition: number,
  reads: Binding,
): Origin | undefined {
  if (reads.root) return { root: reads.stream, epoch: reads.epoch, p: partition, o: record.offset, path: '' };
  return parseStamp(record.headers[stampHeader] ?? '')?.origin;
}

/** Only a root that the sink reads itself is known by its topic here; for all others the record is taken as pending, which costs a look and hides nothing. */
function isBeforeFence(fence: FenceRecord, reads: Binding, origin: Origin): boolean {
  if (!reads.root) return false;
  const end = decodeOffsets(fence.offsets.find(({ topic }) => topic === reads.topic)?.at ?? '')[origin.p];
  return end !== undefined && origin.o < end;
}
