import { KubeConfig } from '@kubernetes/client-node';

/** Where a kubeconfig is looked for: the given file, `KUBECONFIG` and the home directory, or the service account of the pod. */
export function loadKubeConfig(file?: string): KubeConfig {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  return config;
}

/** The namespace of the current context, or of the pod. */
export function currentNamespace(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}
