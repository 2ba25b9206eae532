import { kinds } from '../api/kinds.ts';
import type { Revision } from '../api/revision.ts';
import type { StreamMigration } from '../api/stream-migration.ts';
import type { KubeApi } from '../controller/kube/api.ts';
import { table } from './table.ts';

/** What `grue status` shows: each migration with its gates, then blue and green side by side. */
export async function statusText(kube: KubeApi, namespace: string, only: string | undefined): Promise<string> {
  const migrations = (await kube.list(kinds.StreamMigration, { namespace })).items as unknown as readonly StreamMigration[];
  const revisions = (await kube.list(kinds.Revision, { namespace })).items as unknown as readonly Revision[];
  const shown = migrations.filter(({ metadata }) => only === undefined || metadata.name === only);
  const parts = [...shown.map(migrationText), revisionTable(revisions, only === undefined ? undefined : shown[0])];
  return `${parts.join('\n\n')}\n`;
}

function migrationText({ metadata, status }: StreamMigration): string {
  const { phase = 'Pending', message = '', attempt = 1, plan, gates = [], progress, flip } = status ?? {};
  const lines = [`${metadata.name}  ${phase}  attempt ${attempt}${plan ? `  plan ${plan.hash.slice(0, 12)}` : ''}`, `  ${message}`];
  if (progress) lines.push(`  lag ${progress.lag}, ${progress.rate}, about ${progress.eta} left`);
  for (const { name, outcome, observed, bound, fence } of gates)
    lines.push(`  ${outcome.padEnd(12)} ${name}${fence === undefined ? '' : ` at fence ${fence}`}: ${observed} (bound: ${bound})`);
  if (flip?.movedAt)
    lines.push(
      `  readers moved ${flip.direction === 'Forward' ? 'to green' : 'back to blue'} at ${flip.movedAt}${flip.milliseconds === undefined ? '' : ` in ${flip.milliseconds} ms`}`,
    );
  return lines.join('\n');
}

const order = ['live', 'green', 'blue', 'retired'];

function revisionTable(revisions: readonly Revision[], migration: StreamMigration | undefined): string {
  const names = migration && new Set((migration.status?.plan?.steps ?? []).flatMap(({ from, to }) => [from, to]));
  const rows = revisions
    .filter(({ metadata }) => names === undefined || names.has(metadata.name))
    .sort((a, b) => order.indexOf(a.status?.role ?? '') - order.indexOf(b.status?.role ?? '') || a.metadata.name.localeCompare(b.metadata.name))
    .map(({ metadata, status }) => [
      metadata.name,
      status?.role ?? '-',
      status?.state ?? 'Pending',
      status?.lag ?? '-',
      status?.rate ?? '-',
      status?.target ?? '-',
    ]);
  return rows.length === 0 ? 'no Revisions' : table(['REVISION', 'ROLE', 'STATE', 'LAG', 'RATE', 'TARGET'], rows);
}
