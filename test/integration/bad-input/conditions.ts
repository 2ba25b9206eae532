import type { Condition } from '../../../src/controller/conditions.ts';
import type { KubeObject } from '../../../src/controller/kube/api.ts';
import { eventually } from '../../support/grue.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import type { Scene } from '../migration/scene.ts';

type Kind = Parameters<Scene['object']>[0];

/** The condition of an object as it is stored now. */
export async function conditionOf(scene: Scene, kind: Kind, name: string, type: string): Promise<Condition | undefined> {
  const found = await scene.object<KubeObject<unknown, { readonly conditions?: readonly Condition[] }>>(kind, name);
  return found?.status?.conditions?.find((condition) => condition.type === type);
}

/** Waits until a condition has this status and its message holds the text. */
export function conditionBecomes(scene: Scene, kind: Kind, name: string, type: string, status: 'True' | 'False' | 'Unknown', text = ''): Promise<Condition> {
  return eventually(
    `${kind}/${name}: ${type} ${status} ${text}`,
    async () => {
      const found = await conditionOf(scene, kind, name, type);
      return found?.status === status && found.message.includes(text) ? found : undefined;
    },
    patienceSeconds,
    () => conditionOf(scene, kind, name, type),
  );
}
