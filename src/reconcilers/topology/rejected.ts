import type { LogicalStatus } from '../../api/stream.ts';
import type { StreamMigration } from '../../api/stream-migration.ts';
import type { NodeKey } from '../../topology/graph.ts';

type Rejected = NonNullable<LogicalStatus['rejected']>;

const kept = 5;

/** Definitions that a migration gave up after it had begun: by a gate, a person's abort, or a rollback. They outlive the migration. */
export function rejectedOf(key: NodeKey, stored: Rejected, migrations: readonly StreamMigration[]): Rejected {
  const found = migrations.flatMap(({ metadata, status }) => {
    const { ending, plan } = status ?? {};
    const refused = ending !== undefined && ending.way !== 'Retry' && !ending.reason.startsWith('superseded');
    if (!refused || plan === undefined) return [];
    return plan.steps
      .filter(({ of, action }) => action === 'Clone' && `${of.kind}/${of.name}` === key)
      .map(({ fingerprint }) => ({ fingerprint, migration: metadata.name, reason: ending.reason, time: ending.time }));
  });
  const all = new Map([...stored, ...found].map((entry) => [`${entry.migration}/${entry.fingerprint}`, entry]));
  return [...all.values()].sort((a, b) => (a.time < b.time ? -1 : 1)).slice(-kept);
}
