import { GrueError } from '../api/errors.ts';
import type { PlannedStep } from '../api/stream-migration.ts';
import { hashOf } from './canonical.ts';
import { fingerprints } from './fingerprint.ts';
import { flipBackOf } from './flip-back.ts';
import { keyOf, type NodeKey, reach } from './graph.ts';
import { type Clones, changedClosure, isExternal, withUnsharable } from './plan-clones.ts';
import type { PlanInput } from './plan-input.ts';
import { differenceOf } from './plan-reasons.ts';
import { type NewRevision, realise } from './realise.ts';

export type { PlanInput, RootFacts } from './plan-input.ts';

export interface Plan {
  /** Of everything but the random suffixes and the wording: what an approval stands for. */
  readonly hash: string;
  /** In topological order: what is cloned or flipped back, all that it reads directly or not, and what was named. */
  readonly steps: readonly PlannedStep[];
  /** To create, in topological order. */
  readonly revisions: readonly NewRevision[];
}

/** Bounds of one migration. */
const mostSteps = 256;
const mostPartitions = 2_000;
const mostTopics = 256;
const longestReason = 512;

/**
 * What to clone, what to share, and the Revisions to create.
 * @throws GrueError GRUE-API-002 (a named resource is not there), GRUE-API-005 (not in this version), GRUE-KFK-001 (no facts about a root),
 * GRUE-MIG-004 (too large), GRUE-MIG-007 (a root no longer holds the history)
 */
export function planRevisions(input: PlanInput): Plan | { readonly nothingToDo: string } {
  const wanted = fingerprints(input.desired);
  const changed = changedClosure(input, wanted);
  if (changed.size === 0) return { nothingToDo: nothingText(input) };
  const back = flipBackOf(input, wanted, changed.keys());
  const clones = back ? changed : withUnsharable(input, wanted, changed);
  refuseUnsupported(input, clones);
  const made = back ? new Map<NodeKey, string>() : new Map([...clones, ...rootsToFreeze(input, wanted, clones)]);
  const makeAll = (suffix: PlanInput['suffix']) => realise({ ...input, suffix }, wanted, new Set(made.keys()));
  const revisions = makeAll(input.suffix);
  const steps = stepsOf(input, clones, (key) => {
    const fingerprint = wanted.get(key) ?? '';
    const flipped = back?.get(key);
    if (flipped) return { to: flipped.metadata.name, action: 'FlipBack', fingerprint, why: 'blue is still fed and is what is wanted' };
    const clone = revisions.find(({ spec }) => keyOf(spec.of) === key);
    if (clone) return { to: clone.name, action: 'Clone', fingerprint, why: made.get(key) ?? '' };
    return sharedStep(input, key);
  });
  refuseLarge(input, steps, revisions);
  // The same plan with other suffixes and another wording is the same plan.
  const hash = hashOf({ attempt: input.attempt, steps: steps.map(({ why: _, ...step }) => step), revisions: makeAll(() => '') });
  return { hash, steps, revisions };
}

type StepParts = Omit<PlannedStep, 'of' | 'from'>;

function sharedStep({ desired, live }: PlanInput, key: NodeKey): StepParts | undefined {
  const revision = live.get(key);
  const why = isExternal(desired.nodes.get(key)) ? 'written by others' : 'unchanged';
  return revision && { to: revision.metadata.name, action: 'Share', fingerprint: revision.spec.fingerprint, why };
}

function nothingText({ desired, named }: PlanInput): string {
  const unread = named.length > 0 && named.every((key) => isExternal(desired.nodes.get(key)));
  return unread
    ? `no reader of ${named.join(', ')} uses what differs from live`
    : `${named.join(', ')} and what is below ${named.length === 1 ? 'it' : 'them'} are live as wanted`;
}

/** External streams that a clone reads and whose definition is not the one that a live Revision has frozen. */
function rootsToFreeze({ desired, live }: PlanInput, wanted: ReadonlyMap<NodeKey, string>, clones: Clones): readonly (readonly [NodeKey, string])[] {
  const roots = new Set([...clones.keys()].flatMap((key) => desired.above(key)).filter((key) => isExternal(desired.nodes.get(key))));
  return [...roots].flatMap((key) => {
    const definition = desired.nodes.get(key);
    const current = live.get(key);
    if (!definition || current?.spec.fingerprint === wanted.get(key)) return [];
    return [[key, current ? `${differenceOf(desired, definition, current)}; its topic stays` : 'first read now; its topic stays'] as const];
  });
}

/** What is cloned or flipped back, all that it reads, directly or not, and what was named. */
function stepsOf({ desired, live, named }: PlanInput, clones: Clones, place: (key: NodeKey) => StepParts | undefined): readonly PlannedStep[] {
  const involved = new Set([...reach(clones.keys(), (key) => desired.above(key)), ...named]);
  return desired.order.flatMap((key) => {
    const definition = desired.nodes.get(key);
    const from = live.get(key)?.metadata.name;
    const step = involved.has(key) ? place(key) : undefined;
    if (!definition || !step) return [];
    return [{ of: { kind: definition.kind, name: definition.name }, ...(from === undefined ? {} : { from }), ...step, why: step.why.slice(0, longestReason) }];
  });
}

function refuseUnsupported({ desired, live, migration, platform }: PlanInput, clones: Clones): void {
  for (const [key, why] of clones) {
    const definition = desired.nodes.get(key);
    const current = live.get(key)?.spec;
    if (!definition) continue;
    // The aliases of what is live could not move with it, and an edit that nobody has asked to roll out would go live.
    if (migration === '' && current) {
      throw new GrueError('GRUE-API-005', `a first install would clone ${key}, which is live: ${why}`, { fix: 'roll that out with a StreamMigration first' });
    }
    const moved = current ? current.platform.name : platform.name;
    if (moved !== definition.spec.platformRef.name || platform.name !== definition.spec.platformRef.name) {
      const message = `${key} would move from Platform ${moved} to ${definition.spec.platformRef.name}`;
      throw new GrueError('GRUE-API-005', message, { at: 'spec.platformRef', fix: 'make new resources on the other Platform' });
    }
    const alias = current?.connection?.destination.alias;
    if (definition.kind === 'Connection' && alias !== undefined && alias !== definition.spec.destination?.alias) {
      const message = `the alias of ${key} would change from ${alias} to ${definition.spec.destination?.alias}, and the readers of ${alias} would be left behind`;
      throw new GrueError('GRUE-API-005', message, { at: 'spec.destination.alias', fix: 'make a new Connection for the other alias' });
    }
  }
  if (migration !== '' && ![...clones.keys()].some((key) => key.startsWith('Connection/'))) {
    throw new GrueError('GRUE-API-005', 'nothing below the change is a sink, so there is no alias to flip', {
      at: 'spec.resources',
      fix: 'attach a sink Connection',
    });
  }
}

function refuseLarge({ live }: PlanInput, steps: readonly PlannedStep[], revisions: readonly NewRevision[]): void {
  const refuse = (what: string, most: number): never => {
    throw new GrueError('GRUE-MIG-004', `the plan ${what}, more than ${most}`, { fix: 'name fewer resources, or split the topology' });
  };
  const partitions = revisions.reduce((sum, { spec }) => sum + (spec.stream && !spec.stream.external ? spec.stream.partitions : 0), 0);
  // A fence has one entry per topic of either colour.
  const streams = steps.filter(({ of }) => of.kind === 'Stream');
  const topics = streams.length + streams.filter(({ of, action }) => action !== 'Share' && live.has(keyOf(of))).length;
  if (steps.length > mostSteps) refuse(`has ${steps.length} steps`, mostSteps);
  if (partitions > mostPartitions) refuse(`would make ${partitions} partitions`, mostPartitions);
  if (topics > mostTopics) refuse(`reaches over ${topics} topics`, mostTopics);
}
