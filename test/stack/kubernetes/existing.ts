import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { which } from '../commands.ts';
import { StackError } from '../errors.ts';
import type { Need } from '../needs.ts';
import type { KubernetesState } from '../protocol.ts';

const ANSWERS_WITHIN = '10s';

export const existingClusterNeeds = (): readonly Need[] => [kubectl];

function kubectl(): string {
  const found = which('kubectl');
  if (found === undefined)
    throw new StackError('STACK-ASSETS', '--use-cluster needs kubectl in PATH', 'install kubectl, or leave the option out to have an API server of our own');
  return found;
}

/** The cluster of a kubeconfig, if it answers. @throws StackError STACK-ASSETS with what kubectl says */
export async function existingCluster(kubeconfigPath: string, signal: AbortSignal): Promise<KubernetesState> {
  const ask = async (...args: readonly string[]) => {
    try {
      return (await promisify(execFile)(kubectl(), ['--kubeconfig', kubeconfigPath, '--request-timeout', ANSWERS_WITHIN, ...args], { signal })).stdout;
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
      throw new StackError('STACK-ASSETS', `the cluster of ${kubeconfigPath} cannot be used: ${said}`);
    }
  };
  const server = await ask('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}');
  await ask('get', '--raw', '/readyz');
  return { kubeconfigPath, kubectl: kubectl(), server, controllerManager: true };
}
