import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { stack } from '../../stack/for-tests.ts';
import { createNamespace, eventually, type Grue, type GrueOptions, startGrue } from '../../support/grue.ts';
import { type Hit, openWorkspace, patienceSeconds, type Row, rowOf, type Workspace, type Written } from '../../support/workspace.ts';
import { installCrds } from '../api/server.ts';

/** A namespace of its own on the real servers, with an operator and workers as processes. */
export interface Scene extends Workspace, AsyncDisposable {
  readonly grue: Grue;
}

export const platform = (): Written => ({
  kind: 'Platform',
  name: 'default',
  spec: { kafka: { bootstrapServers: [stack().kafka.bootstrapServers].flat() }, elasticsearch: { url: stack().elasticsearch.url } },
});

/** @param options.kubeconfigPath for Grue and the test alike; that of the stack without */
export async function openScene(
  title: string,
  options: Partial<Pick<GrueOptions, 'workers' | 'settle' | 'letGo' | 'leaseNamespace' | 'kubeconfigPath'>> = {},
): Promise<Scene> {
  const namespace = `${title}-${randomBytes(3).toString('hex')}`;
  await installCrds();
  const { kubeconfigPath } = stack().kubernetes;
  const grue = await startGrue({ kubeconfigPath, namespace, logDirectory: join(stack().directory, 'logs', namespace), ...options });
  const [workspace] = await Promise.all([
    openWorkspace({
      kube: grue.kube,
      namespace,
      bootstrapServers: [stack().kafka.bootstrapServers].flat(),
      elasticsearchUrl: stack().elasticsearch.url,
    }),
    createNamespace(grue.kube, namespace),
  ]);
  return {
    ...workspace,
    grue,
    async [Symbol.asyncDispose]() {
      await workspace[Symbol.asyncDispose]();
      await grue.stop();
    },
  };
}

/** Waits until readers of the alias see exactly as many documents. */
export async function documentsBecome(scene: Scene, alias: string, count: number, seconds = 60): Promise<readonly Hit[]> {
  return eventually(
    `${count} documents behind ${alias}`,
    async () => {
      const found = await scene.documents(alias);
      return found.length === count ? found : undefined;
    },
    seconds,
    async () => (await scene.documents(alias)).length,
  );
}

const textOf = (row: Row): string => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));

/** Waits until readers of the alias see exactly these documents, in any order. */
export async function contentBecomes(scene: Scene, alias: string, expected: Iterable<Row>): Promise<readonly Hit[]> {
  const wanted = [...expected].map(textOf).sort();
  const look = async () => {
    const hits = await scene.documents(alias);
    const found = hits.map((hit) => textOf(rowOf(hit))).sort();
    return { hits, missing: without(wanted, found), surplus: without(found, wanted) };
  };
  return eventually(
    `${wanted.length} documents behind ${alias}`,
    async () => {
      const { hits, missing, surplus } = await look();
      return missing.length + surplus.length === 0 ? hits : undefined;
    },
    patienceSeconds,
    async () => {
      const { missing, surplus } = await look();
      return { missing: missing.length, surplus: surplus.length, examples: [...missing.slice(0, 3), ...surplus.slice(0, 3)].map((text) => text.slice(0, 300)) };
    },
  );
}

/** What is in the first list more often than in the second. */
function without(these: readonly string[], those: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const text of those) left.set(text, (left.get(text) ?? 0) + 1);
  return these.filter((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}
