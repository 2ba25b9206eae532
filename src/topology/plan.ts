import { GrueError } from '../api/errors.ts';
import type { Revision, RevisionSpec } from '../api/revision.ts';
import type { PlannedStep } from '../api/stream-migration.ts';
import { hashOf } from './canonical.ts';
import { fingerprints } from './fingerprint.ts';
import { flipBackOf } from './flip-back.ts';
import { type Graph, keyOf, type NodeKey, reach } from './graph.ts';
import { type Clones, changedClosure, isExternal, withUnsharable } from './plan-clones.ts';
import { differenceOf } from './plan-reasons.ts';
import { realise } from './realise.ts';

/** What is known of the topic behind an external stream. */
export interface RootFacts {
  readonly epoch: number;
  readonly partitions: number;
}

export interface PlanInput {
  readonly namespace: string;
  /** First part of every physical name, of the Platform. */
  readonly prefix: string;
  readonly platform: RevisionSpec['platform'];
  /** Name of the migration; empty for a first install. */
  readonly migration: string;
  /** What is to be live afterwards: the closure from the logical specs, everything else from live Revisions. */
  readonly desired: Graph;
  /** What the migration names. */
  readonly named: readonly NodeKey[];
  /** Clone what is named although nothing changed. */
  readonly rebuild: boolean;
  /** Derived, see live.ts; empty at the first install. */
  readonly live: ReadonlyMap<NodeKey, Revision>;
  /** All in the namespace: numbers continue after the highest. */
  readonly revisions: readonly Revision[];
  /** Blue Revisions of a running soak, still fed: a plan flips back to them where they are what is wanted. */
  readonly retired?: readonly Revision[];
  /** Whether the topic of a live stream Revision still holds all the history that green needs. Not asked at a first install, which has no blue to live up to. */
  readonly covers: (stream: Revision) => boolean;
  /** Per external stream. */
  readonly roots: ReadonlyMap<NodeKey, RootFacts>;
  /** `definitionDigest` of the logical resources. */
  readonly accepted: ReadonlyMap<NodeKey, string>;
  /** Six random characters for the physical names of a node. Asked once for each node. */
  readonly suffix: (key: NodeKey) => string;
}

export interface NewRevision {
  readonly name: string;
  readonly spec: RevisionSpec;
}

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
  const keys = new Set(made.keys());
  const revisions = realise(input, wanted, keys);
  const steps = stepsOf(input, clones, (key) => {
    const fingerprint = wanted.get(key) ?? '';
    const flipped = back?.get(key);
    if (flipped) return { to: flipped.metadata.name, action: 'FlipBack', fingerprint, why: 'blue is still fed and is what is wanted' };
    const clone = revisions.find(({ spec }) => keyOf(spec.of) === key);
    if (clone) return { to: clone.name, action: 'Clone', fingerprint, why: made.get(key) ?? '' };
    const shared = input.live.get(key);
    const why = isExternal(input.desired.nodes.get(key)) ? 'written by others' : 'unchanged';
    return { to: shared?.metadata.name ?? '', action: 'Share', fingerprint: shared?.spec.fingerprint ?? '', why };
  });
  refuseLarge(steps, revisions);
  // The same plan with other suffixes and another wording is the same plan.
  const hash = hashOf({ steps: steps.map(({ why: _, ...step }) => step), revisions: realise({ ...input, suffix: () => '' }, wanted, keys) });
  return { hash, steps, revisions };
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
function stepsOf({ desired, live, named }: PlanInput, clones: Clones, place: (key: NodeKey) => Omit<PlannedStep, 'of' | 'from'>): readonly PlannedStep[] {
  const involved = new Set([...reach(clones.keys(), (key) => desired.above(key)), ...named]);
  return desired.order.flatMap((key) => {
    const definition = desired.nodes.get(key);
    const from = live.get(key)?.metadata.name;
    if (!definition || !involved.has(key)) return [];
    const step = place(key);
    if (step.to === '') return [];
    return [{ of: { kind: definition.kind, name: definition.name }, ...(from === undefined ? {} : { from }), ...step, why: step.why.slice(0, longestReason) }];
  });
}

function refuseUnsupported({ desired, live, migration, platform }: PlanInput, clones: Clones): void {
  for (const key of clones.keys()) {
    const definition = desired.nodes.get(key);
    const current = live.get(key)?.spec;
    if (!definition) continue;
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

function refuseLarge(steps: readonly PlannedStep[], revisions: readonly NewRevision[]): void {
  const partitions = revisions.reduce((sum, { spec }) => sum + (spec.stream && !spec.stream.external ? spec.stream.partitions : 0), 0);
  const fix = 'name fewer resources, or split the topology';
  if (steps.length > mostSteps) throw new GrueError('GRUE-MIG-004', `the plan has ${steps.length} steps, more than ${mostSteps}`, { fix });
  if (partitions > mostPartitions) throw new GrueError('GRUE-MIG-004', `the plan would make ${partitions} partitions, more than ${mostPartitions}`, { fix });
}
