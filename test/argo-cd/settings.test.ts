import { expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { keys } from './argo-cd.ts';

test('the patch of argocd-cm says how each of our kinds is judged, what may be asked of migrations, and touches no other setting', () => {
  const health = Object.keys(kinds).map((kind) => `resource.customizations.health.grue.dev_${kind}`);
  expect([...keys].sort()).toEqual([...health, 'resource.customizations.actions.grue.dev_StreamMigration'].sort());
});
