import type { Revision } from '../../api/revision.ts';
import type { AliasMove, PlannedStep, StreamMigration } from '../../api/stream-migration.ts';
import { hashOf } from '../../topology/canonical.ts';
import { keyOf } from '../../topology/graph.ts';
import { revisionsByName } from '../../topology/live.ts';
import type { TopologyFacts } from '../facts.ts';
import { lineageOf } from '../lineage.ts';
import { isMarkedFor } from '../revision/remove.ts';
import type { Servers } from '../servers.ts';

/** What a migration had done when its status was lost: its plan, as far as the Revisions tell it, and the move of its readers. */
export interface FoundMoved {
  readonly hash: string;
  readonly steps: readonly PlannedStep[];
  readonly moves: readonly AliasMove[];
}

/**
 * Has a migration that knows of no plan moved its readers already? Then its sinks are live, and all that they replaced is still there: once
 * the teardown has begun there is nothing left to decide. A migration that is applied again from Git is younger than what an earlier one
 * of its name has made, and has done nothing.
 */
export async function findMoved(migration: StreamMigration, facts: TopologyFacts, { search }: Servers, signal: AbortSignal): Promise<FoundMoved | undefined> {
  const { live, revisions } = facts;
  const byName = revisionsByName(revisions);
  const made = [...live.values()].filter((revision) => isOf(migration, revision));
  const greenSinks = made.filter(({ spec }) => spec.connection !== undefined);
  const pairs = greenSinks.map((green) => ({ green, blue: replacedBy(green, revisions) }));
  const blueSinks = pairs.flatMap(({ blue }) => blue ?? []);
  const lineage = lineageOf(
    blueSinks.map(({ metadata }) => metadata.name),
    byName,
  );
  const isWhole = lineage.every(({ spec, metadata }) => metadata.deletionTimestamp === undefined && spec.inputs.every((input) => byName.has(input)));
  if (pairs.length === 0 || blueSinks.length < pairs.length || !isWhole) return undefined;

  const indices = await search.indices(
    [...greenSinks, ...blueSinks].flatMap(({ spec }) => spec.physical.index ?? []),
    signal,
  );
  const placeOf = (sink: Revision) => {
    const facts = indices.get(sink.spec.physical.index ?? '');
    return facts && isMarkedFor(sink, facts.meta) ? { index: facts.name, uuid: facts.uuid } : undefined;
  };
  const moves = pairs.flatMap(({ green, blue }): readonly AliasMove[] => {
    const from = blue && placeOf(blue);
    const to = placeOf(green);
    return from && to ? [{ alias: green.spec.connection?.destination.alias ?? '', from, to }] : [];
  });
  if (moves.length < pairs.length) return undefined;

  const blueOf = new Map(lineage.map((revision) => [keyOf(revision.spec.of), revision.metadata.name]));
  const steps = lineageOf(
    made.map(({ metadata }) => metadata.name),
    byName,
  ).map(({ spec, metadata }): PlannedStep => {
    const isClone = spec.migration === migration.metadata.name;
    const from = isClone ? blueOf.get(keyOf(spec.of)) : metadata.name;
    const of = { kind: spec.of.kind, name: spec.of.name };
    const why = isClone ? 'found live when the status was lost' : 'unchanged';
    return { of, ...(from === undefined ? {} : { from }), to: metadata.name, action: isClone ? 'Clone' : 'Share', fingerprint: spec.fingerprint, why };
  });
  return { hash: hashOf({ found: steps }), steps, moves };
}

/** Made by this very object, and not by an earlier one of its name. What is only about to be made again has no time yet. */
const isOf = ({ metadata }: StreamMigration, { spec, metadata: { creationTimestamp } }: Revision): boolean =>
  spec.migration === metadata.name && creationTimestamp !== '' && creationTimestamp >= metadata.creationTimestamp;

const replacedBy = (green: Revision, revisions: readonly Revision[]): Revision | undefined =>
  revisions
    .filter(({ spec }) => keyOf(spec.of) === keyOf(green.spec.of) && spec.number < green.spec.number)
    .reduce<Revision | undefined>((best, revision) => (best && best.spec.number > revision.spec.number ? best : revision), undefined);
