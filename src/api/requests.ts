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
