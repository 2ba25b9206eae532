import { isDeepStrictEqual } from 'node:util';
import { kinds } from '../../src/api/kinds.ts';
import type { LogicalStatus } from '../../src/api/stream.ts';
import type { StreamMigration } from '../../src/api/stream-migration.ts';
import { logicalObjects } from './scenarios/shop.ts';
import { namespace, type Simulation } from './simulation.ts';

/** Everything that is left when a scenario is over, as plain JSON, without what depends on when and how often something was tried. */
export type EndState = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** `grue.shop.cleaned.2-x7k2pq` of one attempt is `grue.shop.cleaned.2-*` of any. */
const anyAttempt = (text: string): string => text.replace(/(\.\d+)-[0-9a-z]{6}(?![0-9a-z])/g, '$1-*');

/** @param ghosts what is not looked at: kind and exact name */
export async function endState(sim: Simulation, ghosts: ReadonlySet<string>): Promise<EndState> {
  const isReal = (kind: string, name: string): boolean => !ghosts.has(`${kind} ${name}`);
  const { store, people, kafka, search } = sim;
  const { indices, aliases } = search.snapshot();
  const { topics, groups } = kafka.snapshot();
  const migrations = store.list(kinds.StreamMigration, namespace) as unknown as readonly StreamMigration[];
  const entries = await kafka.registry('grue').entries(new AbortController().signal);
  const state: EndState = {
    'live set': entriesOf(Object.entries(aliases).map(([alias, targets]) => [alias, Object.keys(targets)])),
    documents: entriesOf(
      Object.entries(aliases).map(([alias, targets]) => [
        alias,
        Object.keys(targets).flatMap((index) => Object.entries(indices[index]?.documents ?? {}).map(([id, { source }]) => ({ id, source }))),
      ]),
    ),
    resources: entriesOf(
      logicalObjects(store).map(({ kind, metadata, status }) => {
        const { live, green, rejected, conditions } = (status ?? {}) as LogicalStatus;
        return [`${kind}/${metadata.name}`, { live, green, rejected: rejected?.map(({ fingerprint }) => fingerprint), conditions: truths(conditions) }];
      }),
    ),
    revisions: entriesOf(
      people
        .revisions()
        .filter(({ metadata }) => isReal('revision', metadata.name))
        .map(({ metadata, spec, status }) => [
          metadata.name,
          {
            of: spec.of,
            migration: spec.migration,
            fingerprint: spec.fingerprint,
            inputs: spec.inputs,
            physical: spec.physical,
            role: status?.role,
            state: status?.state,
            wanted: status?.wanted,
            bound: status?.bound,
            made: Object.keys(status?.uuids ?? {}),
            deleting: metadata.deletionTimestamp !== undefined,
            conditions: truths(status?.conditions?.filter(({ type }) => type === 'Ready')),
          },
        ]),
    ),
    migrations: entriesOf(
      migrations.map(({ metadata, status }) => [
        metadata.name,
        {
          phase: status?.phase,
          outcome: status?.outcome,
          ending: status?.ending?.way,
          flip: status?.flip && { direction: status.flip.direction, result: status.flip.result, aliases: status.flip.intent.map(({ alias }) => alias) },
          steps: status?.plan?.steps.map(({ of, from, to, action }) => `${action} ${of.kind}/${of.name} ${from ?? '-'} -> ${to}`),
          requests: status?.requests?.map(({ id, result }) => `${id} ${result}`),
          finalizers: metadata.finalizers ?? [],
          deleting: metadata.deletionTimestamp !== undefined,
          conditions: truths(status?.conditions?.filter(({ type }) => type !== 'RollbackPossible')),
        },
      ]),
    ),
    topics: entriesOf(
      Object.entries(topics)
        .filter(([name]) => isReal('topic', name))
        .map(([name, { partitions }]) => [name, partitions.length]),
    ),
    groups: entriesOf(
      Object.entries(groups)
        .filter(([name]) => isReal('group', name))
        .map(([name, { state: groupState }]) => [name, groupState]),
    ),
    registry: entriesOf(
      entries
        .filter(({ name }) => isReal('note', name))
        .map(({ kind, name, topicId, revision }) => [`${kind} ${name}`, { revision, isTheOne: topicId === undefined || topics[name]?.id === topicId }]),
    ),
    indices: entriesOf(
      Object.entries(indices)
        .filter(([name]) => isReal('index', name))
        .map(([name, { meta }]) => [name, meta === undefined ? 'not ours' : 'ours']),
    ),
  };
  return JSON.parse(anyAttempt(JSON.stringify(state))) as EndState;
}

/** In the order of their names, so that equal states are equal texts; a name that occurs twice must not hide behind itself. */
function entriesOf(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const sorted = entries.map(([name, value]) => [anyAttempt(name), value] as const).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [name, value] of sorted) found[name in found ? `${name} (twice)` : name] = value;
  return found;
}

const truths = (conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[] = []): readonly string[] =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort();

/** What differs, one line each; empty when the two are equal. */
export function differences(expected: EndState, found: EndState): readonly string[] {
  const lines: string[] = [];
  for (const part of Object.keys(expected)) {
    const names = new Set([...Object.keys(expected[part] ?? {}), ...Object.keys(found[part] ?? {})]);
    for (const name of names) {
      const [wanted, is] = [expected[part]?.[name], found[part]?.[name]];
      if (isDeepStrictEqual(wanted, is)) continue;
      if (part === 'documents') lines.push(`documents of ${name}: ${documentDifference(wanted, is)}`);
      else if (is === undefined) lines.push(`${part}: ${name} is missing, it should be ${JSON.stringify(wanted)}`);
      else if (wanted === undefined) lines.push(`${part}: ${name} is left behind: ${JSON.stringify(is)}`);
      else lines.push(`${part}: ${name} ${fieldDifference(wanted, is)}`);
    }
  }
  return lines;
}

function fieldDifference(wanted: unknown, is: unknown): string {
  if (typeof wanted !== 'object' || typeof is !== 'object' || wanted === null || is === null || Array.isArray(wanted))
    return `is ${JSON.stringify(is)}, it should be ${JSON.stringify(wanted)}`;
  const [left, right] = [wanted as Record<string, unknown>, is as Record<string, unknown>];
  const fields = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((field) => !isDeepStrictEqual(left[field], right[field]));
  return fields.map((field) => `has ${field} ${JSON.stringify(right[field])}, it should be ${JSON.stringify(left[field])}`).join('; ');
}

function documentDifference(wanted: unknown, is: unknown): string {
  const byId = (list: unknown): ReadonlyMap<string, unknown> =>
    new Map(((list ?? []) as readonly { readonly id: string; readonly source: unknown }[]).map(({ id, source }) => [id, source]));
  const [left, right] = [byId(wanted), byId(is)];
  const lost = [...left.keys()].filter((id) => !right.has(id));
  const more = [...right.keys()].filter((id) => !left.has(id));
  const other = [...left.keys()].filter((id) => right.has(id) && !isDeepStrictEqual(left.get(id), right.get(id)));
  return `${lost.length} lost ${lost.slice(0, 3).join(' ')}, ${more.length} too many ${more.slice(0, 3).join(' ')}, ${other.length} differ ${other.slice(0, 3).join(' ')}`;
}
