import type { Condition, WantedCondition } from '../controller/conditions.ts';
import { partitionKey, type TopicPartition } from './ports.ts';
import { conditionTypes, type Problem, type WorkerCondition } from './problem.ts';

/** What one worker knows of one Revision. */
export interface WorkerView {
  readonly worker: string;
  /** The partitions that it owns now. */
  readonly partitions: readonly TopicPartition[];
  /** What stands in their way. */
  readonly problems: ReadonlyMap<string, Problem>;
  /** Bad records that it has set aside, since it owns them. */
  readonly setAside: ReadonlyMap<string, number>;
  /** What keeps it from running the stage at all. */
  readonly failure?: Problem | undefined;
  readonly stopped?: boolean;
}

/** A condition bounds its message; so many partitions are enough to see what is the matter. */
const MAX_LINES = 40;
const good = { WorkerReady: 'Running', RecordsAccepted: 'Accepted', HistoryIntact: 'Intact', OriginIntact: 'Intact' } as const satisfies Record<
  WorkerCondition,
  string
>;
const SET_ASIDE = 'bad records set aside';

interface Line {
  readonly key: string;
  readonly text: string;
}

/**
 * Several workers share a Revision, and a condition has to be true of the whole. So its message has a line for each partition with
 * something to say, written by the worker that owns the partition; lines of partitions that this worker does not own stay as they are.
 * When a worker dies, its partitions go to others, and with them their lines. Pure.
 */
export function workerConditions(stored: readonly Condition[] | undefined, view: WorkerView): readonly WantedCondition[] {
  const owned = new Set(view.partitions.map(partitionKey));
  return conditionTypes.map((type) => {
    const before = stored?.find((condition) => condition.type === type);
    const others = linesOf(before?.message).filter(({ key }) => key.includes('/') && !owned.has(key));
    const mine = [...view.problems].filter(([key, { condition }]) => condition === type && owned.has(key));
    const failure = view.failure?.condition === type ? view.failure : undefined;
    const told = type === 'RecordsAccepted' ? [...view.setAside].filter(([key]) => owned.has(key) && !view.problems.has(key)) : [];
    const problems: Line[] = [
      ...(failure ? [{ key: view.worker, text: failure.message }] : []),
      ...mine.map(([key, { message }]) => ({ key, text: message })),
      ...others.filter((line) => !isNote(line)),
    ];
    const notes: Line[] = [...told.map(([key, count]) => ({ key, text: `${count} ${SET_ASIDE}` })), ...others.filter(isNote)];
    if (type === 'WorkerReady' && view.stopped) return { type, status: 'False', reason: 'Stopped', message: '' };
    const reason = failure?.reason ?? mine[0]?.[1].reason ?? (problems.length > 0 ? (before?.reason ?? 'Failing') : good[type]);
    return { type, status: problems.length > 0 ? 'False' : 'True', reason, message: messageOf([...problems, ...notes]) };
  });
}

const isNote = ({ text }: Line): boolean => text.endsWith(SET_ASIDE);

function linesOf(message = ''): readonly Line[] {
  return message.split('\n').flatMap((line) => {
    const colon = line.indexOf(': ');
    return colon < 0 ? [] : [{ key: line.slice(0, colon), text: line.slice(colon + 2) }];
  });
}

function messageOf(lines: readonly Line[]): string {
  return [...lines.slice(0, MAX_LINES)]
    .sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }))
    .map(({ key, text }) => `${key}: ${text.replaceAll('\n', ' ').slice(0, 500)}`)
    .join('\n');
}
