import type { StreamMigration } from '../../../src/api/stream-migration.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Scenario } from '../scenario.ts';

interface Role {
  readonly rules: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

export const rightsRevoked: Scenario = {
  name: 'rights of the operator revoked in mid-migration, and given back',
  installation: 'Own',
  async run({ release, startWorkload, kubectl, namespace, say }) {
    await release.install();
    const workload = await startWorkload();
    const role = await kubectl(['get', 'role', 'grue-operator', '--namespace', namespace, '--output', 'json']);
    await kubectl(['replace', '--filename', '-'], JSON.stringify(withoutCreate(JSON.parse(role) as Role)));
    await workload.migrate('waiting');
    const told = await eventually(
      'the migration says which right is missing',
      async () => {
        const found = await workload.workspace.object<StreamMigration & KubeObject>('StreamMigration', 'waiting');
        const messages = (found?.status?.conditions ?? []).map(({ message }) => message);
        return messages.find((message) => /cannot create resource "revisions"/.test(message));
      },
      patienceSeconds,
      async () => (await workload.workspace.object<StreamMigration & KubeObject>('StreamMigration', 'waiting'))?.status,
    );
    say(`one right revoked: ${told}`);
    const [operator] = await release.pods('operator');
    const log = await kubectl(['logs', operator?.name ?? '', '--namespace', namespace]);
    if (!log.includes('cannot create resource')) throw new Error('the log of the operator does not say which right is missing');
    await kubectl(['delete', 'rolebinding', 'grue-operator', 'grue-worker', '--namespace', namespace]);
    await release.ready();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    say('all rights were revoked for ten seconds');
    await kubectl(['replace', '--filename', '-'], withoutVersion(role));
    await release.upgrade();
    await workload.inPhase('waiting', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};

const withoutCreate = (role: Role): Role => ({
  ...role,
  rules: role.rules.map((rule) => (rule.resources.includes('revisions') ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'create') } : rule)),
});

/** As it was, whatever it has become. */
function withoutVersion(object: string): string {
  const { metadata, ...rest } = JSON.parse(object) as KubeObject;
  const { resourceVersion: _, uid: __, ...kept } = metadata;
  return JSON.stringify({ ...rest, metadata: kept });
}
