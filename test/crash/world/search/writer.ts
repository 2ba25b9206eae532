import { GrueError } from '../../../../src/api/errors.ts';
import type { DocumentWriter, ItemFailure } from '../../../../src/drivers/elasticsearch/bulk.ts';
import { writerAlias } from '../../../../src/drivers/elasticsearch/indices.ts';
import { parseExactJson } from '../../../../src/drivers/elasticsearch/json.ts';
import type { Failure, Json, MemoryIndex, Operation } from './index.ts';
import type { Nodes } from './port.ts';
import { digestIn } from './view.ts';

/** Writes as the worker's driver does: through the writer alias of the index, which has to be there. */
export function memoryWriter({ indices, down }: Nodes): DocumentWriter {
  /** The index behind the writer alias; without one nothing is written, and nothing made. */
  const behind = (alias: string): MemoryIndex | undefined => {
    const [target] = indices.targets(alias);
    return target && indices.get(target.index);
  };
  return {
    bulk: async (index, body, operations, signal) => {
      signal.throwIfAborted();
      if (down()) return { outcome: 'Unreachable', reason: 'connect ECONNREFUSED memory' };
      const sent = operationsIn(body.toString());
      if (sent.length !== operations)
        throw new GrueError('GRUE-ES-006', `writing to ${index}: ${sent.length} operations were acknowledged, ${operations} were sent`);
      const alias = writerAlias(index);
      const target = behind(alias);
      const failures = sent.flatMap((operation, position): readonly ItemFailure[] => {
        const failure: Failure = target
          ? target.write(operation)
          : { status: 404, type: 'index_not_found_exception', reason: `no such index [${alias}] and [require_alias] request flag is [true]` };
        return failure ? [{ position, id: operation.id, ...failure }] : [];
      });
      return { outcome: 'Answered', failures };
    },
    storedDigests: async (index, ids, signal) => {
      signal.throwIfAborted();
      if (down()) throw new GrueError('GRUE-PLT-003', `reading documents of ${index}: it is down`);
      const stored = indices.get(index)?.stored;
      if (stored === undefined) throw new GrueError('GRUE-ES-006', `reading documents of ${index}: no such index [${index}]`);
      return new Map(
        ids.flatMap((id): readonly [string, string][] => {
          const found = stored.get(id);
          return found === undefined ? [] : [[id, digestIn(found.source) || '---']];
        }),
      );
    },
    close: async () => {},
  };
}

function operationsIn(body: string): readonly Operation[] {
  const lines = body.split('\n');
  const operations: Operation[] = [];
  for (let at = 0; at < lines.length && lines[at] !== ''; at++) {
    const [[action, about] = ['', {}]] = Object.entries(
      parseExactJson(lines[at]!) as Record<string, { readonly _id?: string; readonly version?: number | bigint }>,
    );
    const version = about.version === undefined ? undefined : BigInt(about.version);
    const source = action === 'delete' ? undefined : (parseExactJson(lines[++at] ?? '') as Json);
    operations.push({ action: action as Operation['action'], id: about._id ?? '', version, source });
  }
  return operations;
}
