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

/** A message is one line of at most 1,024 characters; the partitions that fit are enough to see what is the matter. */
const BETWEEN = ' | ';
const LONGEST = { message: 1_000, text: 300 } as const;
const good = { WorkerReady: 'Running', RecordsAccepted: 'Accepted', HistoryIntact: 'Intact', OriginIntact: 'Intact' } as const satisfies Record<
  WorkerCondition,
  string
>;
const SET_ASIDE = 'bad records set aside';

/** What is said about one partition. */
interface Remark {
  readonly key: string;
  readonly text: string;
}

/**
 * Several workers share a Revision, and a condition has to be true of the whole. So its message has a remark for each partition
 * with something to say, made by the worker that owns the partition; remarks on partitions that this worker does not own stay as they
 * are. When a worker dies, its partitions go to others, and with them their remarks. Pure.
 */
export function workerConditions(stored: readonly Condition[] | undefined, view: WorkerView): readonly WantedCondition[] {
  const owned = new Set(view.partitions.map(partitionKey));
  return conditionTypes.map((type) => {
    const before = stored?.find((condition) => condition.type === type);
    const others = remarksIn(before?.message).filter(({ key }) => key.includes('/') && !owned.has(key));
    const mine = [...view.problems].filter(([key, { condition }]) => condition === type && owned.has(key));
    const failure = view.failure?.condition === type ? view.failure : undefined;
    const told = type === 'RecordsAccepted' ? [...view.setAside].filter(([key]) => owned.has(key) && !view.problems.has(key)) : [];
    const problems: Remark[] = [
      ...(failure ? [{ key: view.worker, text: failure.message }] : []),
      ...mine.map(([key, { message }]) => ({ key, text: message })),
      ...others.filter((remark) => !isNote(remark)),
    ];
    const notes: Remark[] = [...told.map(([key, count]) => ({ key, text: `${count} ${SET_ASIDE}` })), ...others.filter(isNote)];
    if (type === 'WorkerReady' && view.stopped) return { type, status: 'False', reason: 'Stopped', message: '' };
    const reason = failure?.reason ?? mine[0]?.[1].reason ?? (problems.length > 0 ? (before?.reason ?? 'Failing') : good[type]);
    return { type, status: problems.length > 0 ? 'False' : 'True', reason, message: messageOf([...problems, ...notes]) };
  });
}

const isNote = ({ text }: Remark): boolean => text.endsWith(SET_ASIDE);

function remarksIn(message = ''): readonly Remark[] {
  return message.split(BETWEEN).flatMap((remark) => {
    const colon = remark.indexOf(': ');
    return colon < 0 ? [] : [{ key: remark.slice(0, colon), text: remark.slice(colon + 2) }];
  });
}

/** @param remarks the most important first; those at the end may be left out */
function messageOf(remarks: readonly Remark[]): string {
  const fitting: { readonly key: string; readonly whole: string }[] = [];
  let room = LONGEST.message;
  for (const { key, text } of remarks) {
    const whole = `${key}: ${text.replaceAll(BETWEEN, ' ').replace(/\s+/g, ' ').slice(0, LONGEST.text)}`;
    room -= whole.length + BETWEEN.length;
    if (room < 0) break;
    fitting.push({ key, whole });
  }
  const inOrder = fitting.toSorted((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
  return inOrder.map(({ whole }) => whole).join(BETWEEN);
}
