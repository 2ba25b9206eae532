/** What came of one search: the concrete indices of its hits, or why there are none to speak of. */
export type Read = { readonly indices: readonly string[] } | { readonly failure: string };

export interface ReadCounts {
  readonly total: number;
  /** No answer, an HTTP error, a failed shard, or a search that timed out. */
  readonly failed: number;
  /** Fewer documents than were certainly there. */
  readonly empty: number;
  /** Documents of two indices in one response. */
  readonly mixed: number;
}

/** The readers' own notes. Nothing in it comes from Grue: an index is known by the `_index` of the hits. */
export interface ReadLog {
  /** @param reader which of the readers @param askedAt @param answeredAt milliseconds of one clock */
  note(reader: number, askedAt: number, answeredAt: number, reads: readonly Read[]): void;
  /** Begins to count anew, for the next migration. */
  nextChapter(): void;
  /** Counts of a chapter; the first is 0. */
  counts(chapter?: number): ReadCounts;
  /** The indices that answered in a chapter, in the order of their appearance. */
  indices(chapter?: number): readonly string[];
  /** The index of the latest answer. */
  current(): string | undefined;
  /**
   * How long readers were on their way from one index to another: from the earliest answer of the new one to the latest of the old one, 0
   * if all moved at once; and the longest that any of them waited for an answer meanwhile. Undefined while nobody has moved.
   */
  move(from: string, to: string, chapter?: number): { readonly overlapMilliseconds: number; readonly slowestMilliseconds: number } | undefined;
}

interface Stay {
  readonly index: string;
  readonly firstAnswerAt: number;
  lastAnswerAt: number;
}

interface Chapter {
  total: number;
  failed: number;
  empty: number;
  mixed: number;
  /** One after the other, per reader: a reader that comes back to an index begins another stay. */
  readonly stays: Map<number, Stay[]>;
  /** Requests that took long, to tell what readers noticed of a move. */
  readonly slow: { askedAt: number; answeredAt: number }[];
  readonly indices: Set<string>;
}

const differentFaultsTold = 5;
/** Requests that took longer than this many milliseconds are remembered. */
const slowFrom = 5;

/**
 * @param expected how many documents every search must find
 * @param complain told of the first few reads that were not as they should be
 */
export function readLog(expected: number, complain: (what: string) => void): ReadLog {
  const told = new Set<string>();
  const chapters = [newChapter()];
  let latest: string | undefined;
  const chapterOf = (number = chapters.length - 1): Chapter => chapters[number] ?? newChapter();

  function fault(what: string): void {
    if (told.size >= differentFaultsTold || told.has(what)) return;
    told.add(what);
    complain(what);
  }

  function judge(read: Read, chapter: Chapter): string | undefined {
    chapter.total += 1;
    if ('failure' in read) {
      chapter.failed += 1;
      fault(`failed: ${read.failure}`);
      return undefined;
    }
    const found = new Set(read.indices);
    if (found.size > 1) {
      chapter.mixed += 1;
      fault(`mixed: one response has hits of ${[...found].join(' and ')}`);
    }
    if (read.indices.length < expected) {
      chapter.empty += 1;
      fault(`empty: ${read.indices.length} of ${expected} documents in ${[...found].join() || 'no index'}`);
    }
    for (const index of found) chapter.indices.add(index);
    return read.indices[0];
  }

  return {
    note(reader, askedAt, answeredAt, reads) {
      const chapter = chapterOf();
      if (answeredAt - askedAt >= slowFrom) chapter.slow.push({ askedAt, answeredAt });
      const stays = chapter.stays.get(reader) ?? [];
      chapter.stays.set(reader, stays);
      for (const read of reads) {
        const index = judge(read, chapter);
        if (index === undefined) continue;
        latest = index;
        const stay = stays.at(-1);
        if (stay?.index === index) stay.lastAnswerAt = answeredAt;
        else stays.push({ index, firstAnswerAt: answeredAt, lastAnswerAt: answeredAt });
      }
    },
    nextChapter: () => void chapters.push(newChapter()),
    counts: (number) => {
      const { total, failed, empty, mixed } = chapterOf(number);
      return { total, failed, empty, mixed };
    },
    indices: (number) => [...chapterOf(number).indices],
    current: () => latest,
    move(from, to, number) {
      const { stays, slow } = chapterOf(number);
      const moves = [...stays.values()].flatMap((list) =>
        list.flatMap((stay, i) => {
          const next = list[i + 1];
          return next && stay.index === from && next.index === to ? [{ last: stay.lastAnswerAt, first: next.firstAnswerAt }] : [];
        }),
      );
      if (moves.length === 0) return undefined;
      const earliest = Math.min(...moves.map(({ first }) => first));
      const latestOld = Math.max(...moves.map(({ last }) => last));
      const [begin, end] = [Math.min(earliest, latestOld), Math.max(earliest, latestOld)];
      const during = slow.filter(({ askedAt, answeredAt }) => askedAt <= end && answeredAt >= begin);
      return {
        overlapMilliseconds: Math.max(0, Math.round(latestOld - earliest)),
        slowestMilliseconds: Math.round(Math.max(slowFrom, ...during.map(({ askedAt, answeredAt }) => answeredAt - askedAt))),
      };
    },
  };
}

const newChapter = (): Chapter => ({ total: 0, failed: 0, empty: 0, mixed: 0, stays: new Map(), slow: [], indices: new Set() });
