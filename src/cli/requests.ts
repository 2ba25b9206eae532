import { randomUUID } from 'node:crypto';
import { GrueError } from '../api/errors.ts';
import { kinds } from '../api/kinds.ts';
import { requestAnnotations, type Verb } from '../api/requests.ts';
import type { MigrationStep, RequestResult, StreamMigration } from '../api/stream-migration.ts';
import type { KubeApi, ObjectRef, ResourceType } from '../controller/kube/api.ts';
import { found } from './found.ts';

export interface Ask {
  readonly namespace: string;
  readonly name: string;
  readonly verb: Verb;
  readonly step?: MigrationStep | undefined;
  readonly reason?: string | undefined;
}

const patience = 20_000;

/**
 * Asks a migration for something, for the attempt and the plan that it shows now, and waits for the answer.
 * @throws GrueError GRUE-CLI-002 when there is no such migration, or nobody answers
 */
export async function request(kube: KubeApi, { namespace, name, verb, step, reason }: Ask): Promise<RequestResult> {
  const { status } = await migration(kube, namespace, name);
  const parts = { verb, step, attempt: status?.attempt === undefined ? undefined : String(status.attempt), plan: status?.plan?.hash, reason };
  return place(kube, kinds.StreamMigration, { namespace, name }, parts, async () => (await migration(kube, namespace, name)).status?.requests);
}

type Parts = Partial<Record<keyof typeof requestAnnotations, string | undefined>>;

/** Writes a request into the annotations of an object, and waits for its answer. @throws GrueError GRUE-CLI-002 when nobody answers */
export async function place(
  kube: KubeApi,
  type: ResourceType,
  ref: ObjectRef,
  parts: Parts,
  answers: () => Promise<readonly RequestResult[] | undefined>,
): Promise<RequestResult> {
  const id = randomUUID();
  const values: Parts = { ...parts, id };
  // Null removes what an earlier request has left, so the parts of two requests never mix.
  const annotations = Object.fromEntries(Object.entries(requestAnnotations).map(([part, annotation]) => [annotation, values[part as keyof Parts] ?? null]));
  await kube.mergePatch(type, ref, { metadata: { annotations } }, { fieldManager: 'grue-cli' });
  const end = performance.now() + patience;
  while (performance.now() < end) {
    const answer = (await answers())?.find((entry) => entry.id === id);
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new GrueError('GRUE-CLI-002', `nobody has answered the request within ${patience / 1_000} s; it stays in the annotations`, {
    fix: 'look whether the operator runs',
  });
}

export const migration = (kube: KubeApi, namespace: string, name: string): Promise<StreamMigration> =>
  found<StreamMigration>(kube, kinds.StreamMigration, { namespace, name });
