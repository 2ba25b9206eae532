import { z } from 'zod';
import { text } from './common.ts';
import { GrueError } from './errors.ts';
import { judge } from './problems.ts';
import { migrationStep } from './stream-migration.ts';

/** Annotations by which a person (through the CLI, Argo CD or kubectl) asks a migration for something. Flat, because admission policies cannot parse JSON. */
export const requestAnnotations = {
  id: 'grue.dev/request-id',
  verb: 'grue.dev/request-verb',
  step: 'grue.dev/request-step',
  attempt: 'grue.dev/request-attempt',
  plan: 'grue.dev/request-plan',
  by: 'grue.dev/request-by',
  reason: 'grue.dev/request-reason',
} as const;

export const verbs = ['promote', 'abort', 'rollback', 'pause', 'resume', 'retry'] as const;
export type Verb = (typeof verbs)[number];

const request = z
  .object({
    id: text(128).min(1),
    verb: z.enum(verbs),
    step: migrationStep.exactOptional(),
    attempt: z
      .string()
      .regex(/^[1-9][0-9]{0,8}$/, { message: 'must be a whole number from 1' })
      .transform(Number)
      .exactOptional(),
    plan: text(128).min(1).exactOptional(),
    by: text(253).min(1).exactOptional(),
    reason: text(1024).exactOptional(),
  })
  .refine(({ verb, step }) => step === undefined || verb === 'promote', { path: ['step'], message: 'belongs to promote' });

/** What a person asks of a migration. `attempt` and `plan`, where given, are those that the person was looking at. */
export type Request = z.output<typeof request>;

const platformRequest = z.object({
  id: text(128).min(1),
  verb: z.enum(['takeover']),
  by: text(253).min(1).exactOptional(),
  reason: text(1024).exactOptional(),
});

/** What a person asks of a Platform. */
export type PlatformRequest = z.output<typeof platformRequest>;

/**
 * The request in the annotations of a migration, answered or not; undefined when there is none.
 * Without an id there is none: whoever writes the annotations one by one writes the id last.
 * @throws GrueError GRUE-API-001, which names the annotations that cannot be understood
 */
export const parseRequest = (annotations: Annotations): Request | undefined => parse(request, annotations);

/** The same for a Platform. */
export const parsePlatformRequest = (annotations: Annotations): PlatformRequest | undefined => parse(platformRequest, annotations);

type Annotations = Readonly<Record<string, string>> | undefined;

function parse<S extends z.ZodType>(schema: S, annotations: Annotations): z.output<S> | undefined {
  if (annotations?.[requestAnnotations.id] === undefined) return undefined;
  const present = Object.entries(requestAnnotations).flatMap(([part, annotation]) => {
    const value = annotations[annotation];
    return value === undefined ? [] : [[part, value]];
  });
  const judged = judge(schema, Object.fromEntries(present));
  if ('value' in judged) return judged.value;
  const problems = judged.problems.map(({ path, what }) => `${requestAnnotations[path as keyof typeof requestAnnotations]}: ${what}`);
  throw new GrueError('GRUE-API-001', problems.join('; '), { at: 'metadata.annotations' });
}
