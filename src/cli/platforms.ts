import { GrueError } from '../api/errors.ts';
import { kinds } from '../api/kinds.ts';
import type { Platform } from '../api/platform.ts';
import type { RequestResult } from '../api/stream-migration.ts';
import type { KubeApi } from '../controller/kube/api.ts';
import { found } from './found.ts';
import { place } from './requests.ts';
import { table } from './table.ts';

/** What `grue orphans` shows: what Grue has made on the servers of each Platform and no Revision knows. */
export async function orphansText(kube: KubeApi, namespace: string): Promise<string> {
  const platforms = (await kube.list(kinds.Platform, { namespace })).items as unknown as readonly Platform[];
  const rows = platforms.flatMap(({ metadata, status }) =>
    (status?.orphans ?? []).map(({ kind, name, since, why }) => [metadata.name, kind.toLowerCase(), name, since, why]),
  );
  const beyond = platforms.flatMap(({ metadata, status }) => {
    const more = (status?.orphanCount ?? 0) - (status?.orphans?.length ?? 0);
    return more > 0 ? [`and ${more} more of Platform ${metadata.name}`] : [];
  });
  if (rows.length === 0) return 'no orphans\n';
  const advice = 'Nothing of this is removed by itself. Once nobody needs it, remove it with the tools of Kafka and Elasticsearch.';
  return `${[table(['PLATFORM', 'KIND', 'NAME', 'SINCE', 'WHY'], rows), ...beyond, '', advice].join('\n')}\n`;
}

export interface TakeOverAsk {
  readonly namespace: string;
  readonly platform: string;
  readonly reason?: string | undefined;
  /** Asks the person, who is shown what it means. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/**
 * Asks the operator to take the servers of a Platform over from an installation that is gone.
 * @throws GrueError GRUE-CLI-001 when it is not confirmed, GRUE-CLI-002 when there is no such Platform, or nobody answers
 */
export async function takeOver(kube: KubeApi, { namespace, platform, reason, confirm }: TakeOverAsk): Promise<RequestResult> {
  const ref = { namespace, name: platform };
  const { status, spec } = await found<Platform>(kube, kinds.Platform, ref);
  const now = status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? 'the operator has not looked at it yet';
  const question =
    `Platform ${namespace}/${platform}: ${now}\n` +
    `All that was made under prefix ${spec.prefix} will belong to this installation, and the other one stops. Two that both work there would remove each other's data.\n` +
    'Is the other installation gone for good?';
  if (!(await confirm(question))) throw new GrueError('GRUE-CLI-001', 'nothing was taken over', { fix: 'confirm it, or give --yes' });
  return place(kube, kinds.Platform, ref, { verb: 'takeover', reason }, async () => (await found<Platform>(kube, kinds.Platform, ref)).status?.requests);
}
