import { z } from 'zod';
import {
  conditions,
  duration,
  fields,
  keys,
  kindOfResource,
  listBy,
  observedGeneration,
  type Resource,
  resourceName,
  setOf,
  text,
  time,
  withRules,
  withTransitionRules,
} from './common.ts';
import { destination } from './connection.ts';

export const migrationStep = z.enum(['Provision', 'Flip', 'Teardown']);
export type MigrationStep = z.output<typeof migrationStep>;

const planHash = text(128).describe('Hash of a plan.');
const logicalKind = kindOfResource.describe('Stream, Pipeline or Connection.');

const change = withRules(
  z.object({
    kind: logicalKind,
    name: resourceName.describe('Name of the logical resource.'),
    base: text(128).describe('Fingerprint of the live Revision that this change starts from.'),
    set: z
      .object({
        sql: text(65_536).min(1).optional().describe('New SQL of a Pipeline.'),
        schema: z.object({ fields }).optional().describe('New schema of a Stream.'),
        keys: keys.optional().describe('New keys of a Stream.'),
        partitions: z.int().min(1).max(2000).optional().describe('New number of partitions of a Stream.'),
        destination: destination.optional().describe('New destination of a sink Connection.'),
      })
      .describe('The fields to change, on top of the live definition.'),
  }),
  [
    {
      rule: 'has(self.set.sql) || has(self.set.schema) || has(self.set.keys) || has(self.set.partitions) || has(self.set.destination)',
      message: 'a change sets at least one field',
      holds: (c) => Object.values(c.set).some((value) => value !== undefined),
    },
    {
      rule: "!has(self.set.sql) || self.kind == 'Pipeline'",
      message: 'sql belongs to a Pipeline',
      holds: (c) => c.set.sql === undefined || c.kind === 'Pipeline',
    },
    {
      rule: "!(has(self.set.schema) || has(self.set.keys) || has(self.set.partitions)) || self.kind == 'Stream'",
      message: 'schema, keys and partitions belong to a Stream',
      holds: (c) => (c.set.schema ?? c.set.keys ?? c.set.partitions) === undefined || c.kind === 'Stream',
    },
    {
      rule: "!has(self.set.destination) || self.kind == 'Connection'",
      message: 'destination belongs to a Connection',
      holds: (c) => c.set.destination === undefined || c.kind === 'Connection',
    },
  ],
);
export type Change = z.output<typeof change>;

const namedResource = z.object({
  kind: logicalKind,
  name: resourceName.describe('Name of the logical resource.'),
  digest: text(128).optional().describe('Digest that the spec must have; planning waits for it.'),
});

const expectation = z.object({
  count: withRules(
    z.object({
      min: z.number().min(0).max(1_000_000).describe('Lower bound; 1 when nothing is declared.'),
      max: z.number().min(0).max(1_000_000).describe('Upper bound; 1 when nothing is declared.'),
    }),
    [{ rule: 'self.min <= self.max', message: 'min is at most max', holds: ({ min, max }) => min <= max }],
  ).describe('Bounds of green documents divided by blue documents, for a change that alters counts.'),
});

const parity = z.object({
  mode: z.enum(['Count']).default('Count').describe('What is compared at the fence.'),
  tolerance: z.int().min(0).max(1_000_000_000).default(0).describe('How many documents the two sides may differ by.'),
  expect: expectation.optional().describe('What the change is meant to alter.'),
});

/** The fields of the spec that may be edited while the migration runs; all others are immutable. */
export const mutableMigrationFields = ['manual', 'approvals', 'abort', 'retry', 'paused', 'rollback', 'soak', 'onFailure'] as const;

const migrationFields = z.object({
  resources: listBy(['kind', 'name'], namedResource, 64).optional().describe('The logical resources to roll out. Everything below them is added.'),
  changes: listBy(['kind', 'name'], change, 16).optional().describe('Changes on top of the live definitions, without an edit of the logical resource.'),
  rebuild: z.boolean().default(false).describe('Clone although nothing changed, for example because an index is damaged.'),
  allowRevert: z.boolean().default(false).describe('Allow that an inline change which is live, but not in the logical resource, is undone.'),
  strategy: z.enum(['BlueGreen']).default('BlueGreen').describe('How to get from the live set to the new one.'),
  history: z
    .object({ from: z.enum(['Earliest']).default('Earliest').describe('Where green starts to read.') })
    .default({ from: 'Earliest' })
    .describe('How much of the past green takes in.'),
  gates: z
    .object({ parity: parity.default({ mode: 'Count', tolerance: 0 }).describe('Comparison of green and blue.') })
    .default({ parity: { mode: 'Count', tolerance: 0 } })
    .describe('What must hold before readers move.'),
  manual: setOf(migrationStep, 3).default([]).describe('Steps that wait for approval: Provision, Flip, Teardown.'),
  approvals: z
    .array(z.object({ step: migrationStep.describe('Step that is approved.'), plan: planHash.describe('Hash of the plan that is approved.') }))
    .max(10)
    .optional()
    .describe('Approvals in Git; `grue promote` does the same with an annotation.'),
  progressDeadline: duration.default('10m').describe('Without progress for this long, the condition Stalled is set. It never aborts.'),
  onFailure: z.enum(['Hold', 'Abort']).default('Hold').describe('When a gate fails: Hold keeps green to look at; Abort removes it.'),
  soak: duration.default('1h').describe('How long blue stays fed after the flip, so that a rollback loses nothing.'),
  paused: z.boolean().default(false).describe('No step is taken while true. What runs goes on running.'),
  abort: z.boolean().default(false).describe('Gives up before the flip; green is removed.'),
  rollback: z.boolean().default(false).describe('Flips back within the soak.'),
  retry: z.int().min(0).max(1000).default(0).describe('A higher number starts a new attempt.'),
});

/** A migration is one attempt at one change: what it is about stays, only how it is steered may be edited. */
const immutableFields = Object.keys(migrationFields.shape)
  .filter((name) => !(mutableMigrationFields as readonly string[]).includes(name))
  .map((name) => ({
    rule: `has(self.${name}) == has(oldSelf.${name}) && (!has(self.${name}) || self.${name} == oldSelf.${name})`,
    message: `${name} is immutable: make a new migration`,
  }));

export const migrationSpec = withTransitionRules(
  withRules(migrationFields, [
    {
      rule: '(has(self.resources) && size(self.resources) > 0) || (has(self.changes) && size(self.changes) > 0)',
      message: 'name at least one resource or change',
      holds: (m) => (m.resources?.length ?? 0) + (m.changes?.length ?? 0) > 0,
    },
  ]),
  immutableFields,
).describe('One attempt to take the live set of Revisions to a new one.');
export type MigrationSpec = z.output<typeof migrationSpec>;

export const phase = z.enum([
  'Pending',
  'Planning',
  'Provisioning',
  'CatchingUp',
  'Verifying',
  'AwaitingApproval',
  'Flipping',
  'Soaking',
  'TearingDown',
  'Completed',
  'Held',
  'Aborting',
  'Aborted',
  'RollingBack',
  'RolledBack',
  'Failed',
]);
export type Phase = z.output<typeof phase>;

const indexAt = z.object({ index: text(249).describe('Concrete index.'), uuid: text(64).describe('Its UUID.') });
export const aliasMove = z.object({
  alias: text(200).describe('The alias that readers use.'),
  from: indexAt.describe('Where it points before.'),
  to: indexAt.describe('Where it points after.'),
});
export type AliasMove = z.output<typeof aliasMove>;

export const plannedStep = z.object({
  of: z.object({ kind: logicalKind, name: resourceName.describe('Its name.') }).describe('The logical resource.'),
  from: text(63).optional().describe('The live Revision.'),
  to: text(63).describe('The Revision that the new live set holds.'),
  action: z.enum(['Clone', 'Share', 'FlipBack']).describe('Clone: a new Revision. Share: both colours use the live one. FlipBack: blue becomes live again.'),
  fingerprint: text(128).describe('Fingerprint of the Revision `to`.'),
  why: text(512).describe('What makes it necessary.'),
});
export type PlannedStep = z.output<typeof plannedStep>;

export const gateOutcome = z.enum(['Pass', 'Fail', 'Inconclusive', 'Error']);
export type GateOutcome = z.output<typeof gateOutcome>;

export const gateResult = z.object({
  name: text(64).describe('Name of the gate.'),
  outcome: gateOutcome.describe('Only Pass promotes.'),
  observed: text(2048).describe('What was measured.'),
  bound: text(512).describe('What it was measured against.'),
  fence: z.int().optional().describe('The fence that it was judged at.'),
  time: time.describe('When it was judged.'),
});
export type GateResult = z.output<typeof gateResult>;

/** One fence, each part persisted before it is used. Offsets are one text per topic: `120,96,-` is partition 0, 1 and an unknown 2. */
export const fence = z.object({
  id: z.int().describe('Counts the fences of an attempt.'),
  time: time.describe('When it was taken.'),
  offsets: z
    .array(
      z.object({
        topic: text(249).describe('Topic that the fence stands in.'),
        topicId: text(64).describe('Identity of the topic.'),
        at: text(32_768).describe('Offset per partition that must have been passed.'),
        low: text(32_768).optional().describe('Offset per partition from before the fence was taken.'),
      }),
    )
    .max(256)
    .describe('One entry per stream.'),
});
export type FenceRecord = z.output<typeof fence>;

export const requestResult = z.object({
  id: text(128).describe('Id of the request.'),
  verb: text(32).describe('What was asked for.'),
  by: text(253).optional().describe('Who asked.'),
  result: text(512).describe('What came of it.'),
  time: time.describe('When it was answered.'),
});
export type RequestResult = z.output<typeof requestResult>;

export const migrationStatus = z
  .object({
    observedGeneration,
    stateVersion: z.int().optional().describe('Version of this status. An operator that meets a newer one holds.'),
    phase: phase.optional().describe('Where the migration stands.'),
    message: text(2048).optional().describe('What it does or waits for, for people.'),
    attempt: z.int().optional().describe('Starts at 1; retry starts the next.'),
    startedAt: time.optional().describe('When the attempt started.'),
    phaseSince: time.optional().describe('When the phase began.'),
    pointOfNoReturn: time.optional().describe('When the first deletion was decided. Before it rollback is legal, after it only forward.'),
    plan: z
      .object({
        hash: planHash.describe('What an approval refers to.'),
        steps: z.array(plannedStep).max(256).describe('One entry per logical resource.'),
        time: time.describe('When it was made.'),
      })
      .optional()
      .describe('What will be done, frozen for the attempt.'),
    fence: fence.optional().describe('The running fence; each part is stored before it is used.'),
    fencesPassed: z.int().optional().describe('At how many fences in a row parity has held.'),
    progress: z
      .object({
        lag: text(32).describe('Records that green has not yet processed.'),
        rate: text(32).describe('Records per second that green processes.'),
        eta: text(32).describe('Time until green is expected at the end.'),
        parity: text(64).optional().describe('Result of the last comparison.'),
        time: time.describe('When this was measured.'),
      })
      .optional()
      .describe('Numbers for people, written at most every 10 s.'),
    flip: z
      .object({
        direction: z.enum(['Forward', 'Back']).describe('Forward: to green. Back: to blue.'),
        intent: z.array(aliasMove).max(64).describe('What is to move; stored before anything moves.'),
        intendedAt: time.describe('When it was decided.'),
        result: z.enum(['Moved', 'NotMoved']).optional().describe('What a read-back showed.'),
        movedAt: time.optional().describe('When the read-back confirmed it.'),
        milliseconds: z.int().optional().describe('From sending the call to the read-back that confirms it.'),
      })
      .optional()
      .describe('The one call that moves readers.'),
    gates: listBy(['name'], gateResult, 16).optional().describe('The last result of each gate.'),
    requests: z.array(requestResult).max(10).optional().describe('The last requests of people and their results.'),
    waitingFor: text(63).optional().describe('The migration over some of the same resources that has to end first.'),
    approved: z
      .array(z.object({ step: migrationStep.describe('The step.'), plan: planHash.describe('Hash of the plan at that time.') }))
      .max(3)
      .optional()
      .describe('Steps that a person has approved in this attempt.'),
    pausedByRequest: z.boolean().optional().describe('What the last pause or resume request asked for.'),
    ending: z
      .object({
        way: z.enum(['Abort', 'Rollback', 'Hold', 'Retry']).describe('Which way.'),
        reason: text(1024).describe('Why.'),
        time: time.describe('When it was decided.'),
      })
      .optional()
      .describe('Decided way off the straight path.'),
    outcome: z.enum(['Completed', 'NothingToDo', 'Aborted', 'RolledBack', 'Failed']).optional().describe('Set once, when the migration has ended.'),
    supersededBy: text(63)
      .optional()
      .describe('The newer migration over some of the same resources that has a plan: what came of this one is of the past. Set once it has failed.'),
    retrySeen: z.int().optional().describe('The value of spec.retry that started this attempt.'),
    conditions,
  })
  .describe('How far it is.');
export type MigrationStatus = z.output<typeof migrationStatus>;

export type StreamMigration = Resource<'StreamMigration', MigrationSpec, MigrationStatus>;
