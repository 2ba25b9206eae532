/** Name of the one Kafka header that carries provenance. */
export const stampHeader = 'grue';

/**
 * Where a record comes from: its position in the first stream that Grue reads and did not write. Stamped once, copied unchanged by every stage after.
 */
export interface Origin {
  /** Logical name of the root stream. */
  readonly root: string;
  /** Counts how often the topic behind the root was replaced. */
  readonly epoch: number;
  /** Partition in the root topic. */
  readonly p: number;
  /** Offset in the root topic. */
  readonly o: bigint;
  /** Empty, or the writers and UNION branches that it went through where several lead into one stream, joined by `/`. */
  readonly path: string;
}

/** An origin and the Revision that wrote the record. */
export interface Stamp {
  readonly origin: Origin;
  readonly rev: string;
}

const stampText = /^([a-z0-9][-a-z0-9]*)\|(\d{1,9})\|(\d{1,9})\|(\d{1,19})\|([-a-z0-9#/]*)\|([-a-z0-9]+)$/;

/** The origin as text. It is what identities are hashed from, so it must never change. */
export const formatOrigin = ({ root, epoch, p, o, path }: Origin): string => `${root}|${epoch}|${p}|${o}|${path}`;

/** The header's text: `root|epoch|p|o|path|rev`. */
export const formatStamp = ({ origin, rev }: Stamp): string => `${formatOrigin(origin)}|${rev}`;

/** @returns undefined if the text is not a stamp; the record is bad then, because its identity is unknown */
export function parseStamp(text: string): Stamp | undefined {
  const match = stampText.exec(text);
  if (match === null) return undefined;
  const [, root = '', epoch, p, o = '0', path = '', rev = ''] = match;
  return { origin: { root, epoch: Number(epoch), p: Number(p), o: BigInt(o), path }, rev };
}

/** @returns the origin that {@link formatOrigin} made a text of; undefined for any other text */
export const parseOrigin = (text: string): Origin | undefined => parseStamp(`${text}|0`)?.origin;

/** The origin's text within a stamp's, without reading its parts: this runs for every record. */
export const originOfStamp = (text: string): string | undefined => (stampText.test(text) ? text.slice(0, text.lastIndexOf('|')) : undefined);

/** Adds one step to a path; an empty step adds nothing. */
export const extendPath = (path: string, step: string): string => (step === '' ? path : path === '' ? step : `${path}/${step}`);
