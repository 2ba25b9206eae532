import { GrueError } from '../api/errors.ts';
import { TooManyBadRecords } from './partition.ts';

/** The conditions that a worker sets on a Revision. */
export const conditionTypes = ['WorkerReady', 'RecordsAccepted', 'HistoryIntact', 'OriginIntact'] as const;
export type WorkerCondition = (typeof conditionTypes)[number];

/** What stands in the way of a partition, in the words of a condition. */
export interface Problem {
  readonly condition: WorkerCondition;
  readonly reason: string;
  readonly message: string;
}

/** Which condition a failure belongs to, and how it reads there. */
export function problemOf(error: unknown): Problem {
  if (error instanceof TooManyBadRecords) return { condition: 'RecordsAccepted', reason: 'TooManyBadRecords', message: error.message };
  if (error instanceof GrueError) {
    const { code, line } = error;
    if (code === 'GRUE-KFK-003') return { condition: 'HistoryIntact', reason: 'HistoryLost', message: line };
    if (code === 'GRUE-KFK-004') return { condition: 'OriginIntact', reason: 'OriginChanged', message: line };
    return { condition: 'WorkerReady', reason: reasons[code] ?? 'Failing', message: line };
  }
  return { condition: 'WorkerReady', reason: 'Failing', message: error instanceof Error ? error.message : String(error) };
}

const reasons: Readonly<Record<string, string>> = {
  'GRUE-KFK-006': 'NoCommittedOffset',
  'GRUE-KFK-005': 'UnsupportedCompression',
  'GRUE-ES-005': 'IndexChanged',
  'GRUE-PLT-002': 'KafkaUnreachable',
  'GRUE-PLT-003': 'ElasticsearchUnavailable',
};

const lasting = new Set(['NoCommittedOffset', 'IndexChanged', 'UnsupportedCompression']);

/** Whether it will not pass by itself, so that trying often only costs. */
export function isLasting(error: unknown): boolean {
  const { condition, reason } = problemOf(error);
  return condition !== 'WorkerReady' || lasting.has(reason);
}
