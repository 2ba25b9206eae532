import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { group } from '../src/api/common.ts';
import type { Kind } from '../src/api/kinds.ts';
import { verbs } from '../src/api/requests.ts';
import { type GeneratedFile, main } from './generated.ts';

const directory = 'charts/grue/argo-cd';
const header = `# Generated from the Lua beside it by \`npm run gen\`. Do not edit.
# kubectl -n argocd patch configmap argocd-cm --type merge --patch-file argocd-cm.yaml
`;

const lua = (name: string): string => readFileSync(join(import.meta.dirname, '..', directory, `${name}.lua`), 'utf8');

const healthScripts: Readonly<Record<Kind, string>> = {
  Platform: 'platform-health',
  Stream: 'topology-health',
  Pipeline: 'topology-health',
  Connection: 'topology-health',
  Revision: 'revision-health',
  StreamMigration: 'migration-health',
};

/** What Argo CD is told of our kinds: the patch of its ConfigMap `argocd-cm`. */
export function generateArgoCd(): readonly GeneratedFile[] {
  const health = Object.entries(healthScripts).map(([kind, script]) => [`resource.customizations.health.${group}_${kind}`, `${lua('shared')}\n${lua(script)}`]);
  const actions = {
    'discovery.lua': lua('migration-actions'),
    definitions: verbs.map((verb) => ({ name: verb, 'action.lua': `local verb = "${verb}"\n${lua('migration-request')}` })),
  };
  const data = { ...Object.fromEntries(health), [`resource.customizations.actions.${group}_StreamMigration`]: yaml(actions) };
  return [{ path: `${directory}/argocd-cm.yaml`, content: header + yaml({ data }) }];
}

const yaml = (value: unknown): string => stringify(value, { lineWidth: 0, blockQuote: 'literal' });

if (import.meta.main) await main(generateArgoCd());
