import { parse, stringify } from 'yaml';
import { GrueError } from '../api/errors.ts';
import { judge, schemaError } from '../api/problems.ts';
import { migrationSpec, type StreamMigration } from '../api/stream-migration.ts';
import type { KubeApi } from '../controller/kube/api.ts';
import { digestOf } from '../topology/fingerprint.ts';
import { liveRevision } from './export.ts';
import { logicalObject } from './targets.ts';

type Written = Pick<StreamMigration, 'kind' | 'metadata' | 'spec'>;

/**
 * What `grue plan` prints: the migration with what pins it to the state of now. Each named resource gets the digest of its spec, so that nothing
 * else is rolled out than what was there; each change gets the fingerprint that it starts from.
 * @throws GrueError GRUE-CLI-001 for a text that is no migration, GRUE-API-001 for one that does not fit the schema, GRUE-CLI-002 when something that it names is not there
 */
export async function planText(kube: KubeApi, namespace: string, text: string): Promise<string> {
  const migration = parse(text) as Written | null;
  if (migration?.kind !== 'StreamMigration') throw new GrueError('GRUE-CLI-001', 'the file holds no StreamMigration', { fix: 'give one in YAML or JSON' });
  const where = migration.metadata.namespace ?? namespace;
  const resources = await all(migration.spec.resources, async ({ kind, name }) => ({
    kind,
    name,
    digest: digestOf((await logicalObject(kube, where, { kind, name })).spec),
  }));
  const changes = await all(migration.spec.changes, async ({ kind, name, set }) => {
    const live = await liveRevision(kube, where, await logicalObject(kube, where, { kind, name }));
    return { kind, name, base: live.spec.fingerprint, set };
  });
  const spec = { ...migration.spec, ...(resources ? { resources } : {}), ...(changes ? { changes } : {}) };
  const judged = judge(migrationSpec, spec);
  if ('problems' in judged) throw schemaError(`StreamMigration/${migration.metadata.name}`, judged.problems);
  return stringify({ ...migration, spec }, { lineWidth: 0 });
}

const all = async <T, R>(list: readonly T[] | undefined, work: (item: T) => Promise<R>): Promise<readonly R[] | undefined> =>
  list && Promise.all(list.map(work));
