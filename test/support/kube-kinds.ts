import type { KubeObject, ResourceType } from '../../src/controller/kube/api.ts';

/** A kind for tests of the runtime, which knows no kind of ours. */
export const widgetType: ResourceType = { group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };

export interface WidgetSpec {
  readonly size?: number;
  readonly parts?: readonly string[];
}
export type Widget = KubeObject<WidgetSpec, Record<string, unknown>>;

export function widget(name: string, spec: WidgetSpec = {}, metadata: Partial<Widget['metadata']> = {}): Widget {
  return { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name, namespace: 'shop', ...metadata }, spec };
}
