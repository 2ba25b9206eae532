import { formatDigest } from '../../records/digest.ts';
import { parseOrigin } from '../../records/provenance.ts';
import type { BulkBody, BulkItem } from './ports.ts';

/** The operations of a body: which records they were made from. */
export interface Sources {
  readonly indexes: readonly number[];
  readonly origins: readonly string[];
}

const newline = 0x0a;
const deletion = Buffer.from('{"delete"');

/** Where each operation begins: an action line, and behind it a document unless it deletes. JSON holds no raw newline. */
function operationStarts(bytes: Buffer): readonly number[] {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    starts.push(at);
    const lines = bytes.compare(deletion, 0, deletion.length, at, at + deletion.length) === 0 ? 1 : 2;
    for (let line = 0; line < lines; line++) at = bytes.indexOf(newline, at) + 1 || bytes.length;
  }
  return starts;
}

/** Cuts a body into bodies of at most `limit` bytes, between operations; a single longer operation makes a body of its own. */
export function bulkBodies(bytes: Buffer, sources: Sources, limit: number): readonly BulkBody[] {
  if (sources.indexes.length === 0) return [];
  if (bytes.length <= limit) return [bulkBody(bytes, sources)];
  const starts = operationStarts(bytes);
  const bodies: BulkBody[] = [];
  let from = 0;
  for (let n = 1; n <= starts.length; n++) {
    const end = starts[n + 1] ?? bytes.length;
    if (n < starts.length && end - starts[from]! <= limit) continue;
    bodies.push(bulkBody(bytes.subarray(starts[from], starts[n]), { indexes: sources.indexes.slice(from, n), origins: sources.origins.slice(from, n) }));
    from = n;
  }
  return bodies;
}

function bulkBody(bytes: Buffer, sources: Sources): BulkBody {
  let starts: readonly number[] | undefined;
  return {
    bytes,
    count: sources.indexes.length,
    item(n) {
      starts ??= operationStarts(bytes);
      return readItem(bytes.toString('utf8', starts[n], starts[n + 1]), sources.indexes[n]!, sources.origins[n]!);
    },
  };
}

function readItem(text: string, index: number, originText: string): BulkItem {
  const origin = parseOrigin(originText);
  if (origin === undefined) throw new TypeError('an operation without an origin');
  const [line = '', document] = text.split('\n', 2);
  const [action, { _id: id }] = Object.entries(JSON.parse(line) as Record<BulkItem['action'], { _id: string }>)[0] as [BulkItem['action'], { _id: string }];
  const version = /,"version":(\d+),"version_type":"external"\}\}$/.exec(line)?.[1];
  const limbs = action === 'delete' ? null : /"h1":(\d+),"h2":(\d+),"h3":(\d+),"h4":(\d+)\}/.exec(document ?? '');
  return { index, action, id, origin, version, digest: limbs === null ? undefined : formatDigest(limbs.slice(1)), text };
}
