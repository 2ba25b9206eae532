import { z } from 'zod';
import { conditions, duration, field, keys, kindOfResource, type Resource, resourceName, time, withRules } from './common.ts';
import { destination } from './connection.ts';

export const migrationStep = z.enum(['Provision', 'Flip', 'Teardown']);
export type MigrationStep = z.output<typeof migrationStep>;

const planHash = z.string().max(128);

const change = withRules(
  z.object({
    kind: kindOfResource,
    name: resourceName,
    base: z.string().max(128).describe('Fingerprint of the live Revision that this change starts from.'),
    set: z
      .object({
        sql: z.string().min(1).max(65_536).optional().describe('New SQL of a Pipeline.'),
        schema: z
          .object({ fields: z.array(field).min(1).max(500) })
          .optional()
          .describe('New schema of a Stream.'),
        keys: keys.optional().describe('New keys of a Stream.'),
        partitions: z.int().min(1).max(2000).optional().describe('New number of partitions of a Stream.'),
        destination: destination.optional().describe('New destination of a sink Connection.'),
      })
      .describe('The fields to change, on top of the live definition.'),
  }),
  [
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

export const migrationSpec = withRules(
  z.object({
    resources: z
      .array(
        z.object({
          kind: kindOfResource,
          name: resourceName,
          digest: z.string().max(128).optional().describe('Digest that the spec must have; planning waits for it.'),
        }),
      )
      .max(64)
      .optional()
      .describe('The logical resources to roll out. Everything below them is added.'),
    changes: z.array(change).max(16).optional().describe('Changes on top of the live definitions, without an edit of the logical resource.'),
    rebuild: z.boolean().default(false).describe('Clone although nothing changed, for example because an index is damaged.'),
    allowRevert: z.boolean().default(false).describe('Allow that an inline change which is live, but not in the logical resource, is undone.'),
    strategy: z.enum(['BlueGreen']).default('BlueGreen').describe('How to get from the live set to the new one.'),
    history: z.object({ from: z.enum(['Earliest']).default('Earliest').describe('Where green starts to read.') }).default({ from: 'Earliest' }),
    gates: z
      .object({
        parity: z
          .object({
            mode: z.enum(['Count']).default('Count').describe('What is compared at the fence.'),
            tolerance: z.int().min(0).max(1_000_000_000).default(0).describe('How many documents the two sides may differ by.'),
            expect: z
              .object({
                count: z
                  .object({ min: z.number().min(0).max(1_000_000), max: z.number().min(0).max(1_000_000) })
                  .describe('Bounds of green documents divided by blue documents, for a change that alters counts.'),
              })
              .optional(),
          })
          .default({ mode: 'Count', tolerance: 0 }),
      })
      .default({ parity: { mode: 'Count', tolerance: 0 } })
      .describe('What must hold before readers move.'),
    manual: z.array(migrationStep).max(3).default([]).meta({ 'x-kubernetes-list-type': 'set' }).describe('Steps that wait for approval.'),
    approvals: z
      .array(z.object({ step: migrationStep, plan: planHash.describe('Hash of the plan that is approved.') }))
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
  }),
  [
    {
      rule: '(has(self.resources) && size(self.resources) > 0) || (has(self.changes) && size(self.changes) > 0)',
      message: 'name at least one resource or change',
      holds: (m) => (m.resources?.length ?? 0) + (m.changes?.length ?? 0) > 0,
    },
  ],
);
export type MigrationSpec = z.output<typeof migrationSpec>;

/** The fields of the spec that may be edited while the migration runs; all others are immutable. */
export const mutableMigrationFields = ['manual', 'approvals', 'abort', 'retry', 'paused', 'rollback', 'soak', 'onFailure'] as const;

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

const indexAt = z.object({ index: z.string().max(249), uuid: z.string().max(64) });
export const aliasMove = z.object({ alias: z.string().max(200), from: indexAt, to: indexAt });
export type AliasMove = z.output<typeof aliasMove>;

export const plannedStep = z.object({
  of: z.object({ kind: kindOfResource, name: resourceName }),
  from: z.string().max(63).optional().describe('The live Revision.'),
  to: z.string().max(63).describe('The Revision that the new live set holds.'),
  action: z.enum(['Clone', 'Share', 'FlipBack']),
  fingerprint: z.string().max(128).describe('Fingerprint of the Revision `to`.'),
  why: z.string().max(512),
});
export type PlannedStep = z.output<typeof plannedStep>;

export const gateOutcome = z.enum(['Pass', 'Fail', 'Inconclusive', 'Error']);
export type GateOutcome = z.output<typeof gateOutcome>;

export const gateResult = z.object({
  name: z.string().max(64),
  outcome: gateOutcome,
  observed: z.string().max(2048).describe('What was measured.'),
  bound: z.string().max(512).describe('What it was measured against.'),
  fence: z.int().optional().describe('The fence that it was judged at.'),
  time,
});
export type GateResult = z.output<typeof gateResult>;

/** One fence, each part persisted before it is used. Offsets are one text per topic: `120,96,-` is partition 0, 1 and an unknown 2. */
export const fence = z.object({
  id: z.int(),
  time,
  offsets: z
    .array(z.object({ topic: z.string().max(249), topicId: z.string().max(64), at: z.string().max(32_768), low: z.string().max(32_768).optional() }))
    .max(256)
    .meta({ 'x-kubernetes-list-type': 'atomic' }),
});
export type FenceRecord = z.output<typeof fence>;

export const requestResult = z.object({
  id: z.string().max(128),
  verb: z.string().max(32),
  by: z.string().max(253).optional(),
  result: z.string().max(512),
  time,
});
export type RequestResult = z.output<typeof requestResult>;

export const migrationStatus = z.object({
  observedGeneration: z.int().optional(),
  stateVersion: z.int().optional().describe('Version of this status. An operator that meets a newer one holds.'),
  phase: phase.optional(),
  message: z.string().max(2048).optional(),
  attempt: z.int().optional().describe('Starts at 1; retry starts the next.'),
  startedAt: time.optional(),
  phaseSince: time.optional(),
  pointOfNoReturn: time.optional().describe('When the first deletion was decided. Before it rollback is legal, after it only forward.'),
  plan: z
    .object({
      hash: planHash,
      steps: z.array(plannedStep).max(256).meta({ 'x-kubernetes-list-type': 'atomic' }),
      time,
    })
    .optional(),
  fence: fence.optional(),
  fencesPassed: z.int().optional().describe('At how many fences in a row parity has held.'),
  progress: z
    .object({ lag: z.string().max(32), rate: z.string().max(32), eta: z.string().max(32), parity: z.string().max(64).optional(), time })
    .optional()
    .describe('Numbers for people, written at most every 10 s.'),
  flip: z
    .object({
      direction: z.enum(['Forward', 'Back']),
      intent: z.array(aliasMove).max(64).meta({ 'x-kubernetes-list-type': 'atomic' }),
      intendedAt: time,
      result: z.enum(['Moved', 'NotMoved']).optional(),
      movedAt: time.optional(),
      milliseconds: z.int().optional().describe('From sending the call to the read-back that confirms it.'),
    })
    .optional(),
  gates: z
    .array(gateResult)
    .max(16)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
  requests: z.array(requestResult).max(10).optional().meta({ 'x-kubernetes-list-type': 'atomic' }),
  approved: z
    .array(z.object({ step: migrationStep, plan: planHash }))
    .max(3)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Steps that a person has approved in this attempt.'),
  pausedByRequest: z.boolean().optional().describe('What the last pause or resume request asked for.'),
  ending: z
    .object({ way: z.enum(['Abort', 'Rollback', 'Hold', 'Retry']), reason: z.string().max(1024), time })
    .optional()
    .describe('Decided way off the straight path.'),
  outcome: z.enum(['Completed', 'NothingToDo', 'Aborted', 'RolledBack', 'Failed']).optional().describe('Set once, when the migration has ended.'),
  retrySeen: z.int().optional().describe('The value of spec.retry that started this attempt.'),
  conditions,
});
export type MigrationStatus = z.output<typeof migrationStatus>;

export type StreamMigration = Resource<'StreamMigration', MigrationSpec, MigrationStatus>;
