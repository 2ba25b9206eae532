import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '../../../src/api/platform.ts';
import { eventually } from '../../support/grue.ts';
import { manifestsOf, render } from '../../support/helm.ts';
import { patienceSeconds } from '../../support/workspace.ts';
import { type Grant, grantsOf } from './grants.ts';
import { accountName } from './realm.ts';
import { commands, openTopology, type Topology } from './topology.ts';

/** Each rule of both accounts, by its place; the namespace of the tests has no say in that. */
const manifests = manifestsOf(await render({}));
const rules = commands.flatMap((command) => grantsOf(`grue-${command}`, manifests).map(({ rights }, index) => ({ command, index, first: rights[0] ?? '' })));

let topology: Topology;
beforeAll(async () => {
  topology = await openTopology();
  await using _operator = topology.start('operator');
  await using _worker = topology.start('worker');
  await topology.install();
});
afterAll(() => topology?.[Symbol.asyncDispose]());

let factor = 1;
const edit = () => topology.apply(++factor);
const migrate = async () => {
  await edit();
  await topology.workspace.migrate(`to-${factor}`, ['Pipeline/priced'], { manual: ['Provision'] });
};
/** What has to happen so that a right is asked for, where a start alone does not do that. */
const occasions = (): Readonly<Record<string, () => Promise<unknown>>> => ({
  'patch grue.dev/platforms/status': edit,
  'create events.k8s.io/events': migrate,
  // Is a migration deleted alone, or with its namespace?
  [`get /namespaces ${topology.realm.namespace}`]: async () => {
    await migrate();
    await topology.workspace.inPhase(`to-${factor}`, 'AwaitingApproval');
    await topology.realm.kubectl('edith', ['delete', 'streammigrations', `to-${factor}`, '--wait=false']);
  },
  // An operator that finds its Lease asks for no other one.
  'create coordination.k8s.io/leases': () => topology.realm.kubectl('root', ['delete', 'leases', '--all']),
});

test.each(rules)('$command without its rule that begins with $first says which right is missing', async ({ command, index }) => {
  const { realm } = topology;
  const { role, rule, rights } = grantsOf(`grue-${command}`, realm.rights)[index] as Grant;
  const removed = JSON.stringify([{ op: 'remove', path: `/rules/${role.rules?.indexOf(rule)}` }]);
  await realm.kubectl('root', ['patch', role.kind, role.metadata.name, '--type=json', '-p', removed]);
  try {
    await using running = topology.start(command, ...(command === 'worker' ? ['--id', `worker-${index}`] : []));
    await occasions()[rights[0] ?? '']?.();
    const sayings = async () => `${running.log()}\n${await realm.kubectl('victor', ['get', 'grue', '-o', 'json'])}`.split('\n');
    const told = async () => (await sayings()).find((line) => rights.some((right) => line.includes(wordsOf(right))));
    const line = await eventually('the missing right in the log or in a condition', told, 60, async () => running.log().slice(-2_000));
    expect(line).toContain(accountName(realm.namespace, command));
  } finally {
    await realm.kubectl('root', ['apply', '--server-side', '--force-conflicts', '-f', '-'], role);
  }
});

/** How the API server says that a right is missing, as JSON has it. */
function wordsOf(right: string): string {
  const [verb = '', resource = ''] = right.split(' ');
  return `cannot ${verb} resource \\"${resource.slice(resource.indexOf('/') + 1)}\\"`;
}

test('what waits for a right says so in its condition, and goes on by itself once it is granted', async () => {
  const { realm, workspace } = topology;
  await using _operator = topology.start('operator');
  const condition = async () => (await workspace.object<Platform>('Platform', 'default'))?.status?.conditions?.find(({ type }) => type === 'Ready');
  const becomes = (status: string) =>
    eventually(`Platform Ready ${status}`, async () => ((await condition())?.status === status ? condition() : undefined), patienceSeconds, condition);
  await becomes('True');
  const { role, rule } = grantsOf('grue-operator', realm.rights).find(({ rights }) => rights.includes('get /secrets')) as Grant;
  const removed = JSON.stringify([{ op: 'remove', path: `/rules/${role.rules?.indexOf(rule)}` }]);
  await realm.kubectl('root', ['patch', role.kind, role.metadata.name, '--type=json', '-p', removed]);
  const spec = JSON.stringify({ spec: { kafka: { authentication: { mechanism: 'SCRAM-SHA-256' } } } });
  await realm.kubectl('ada', ['patch', 'platforms', 'default', '--type=merge', '-p', spec]);
  expect(await becomes('False')).toMatchObject({
    reason: 'GRUE_API_008',
    message: expect.stringContaining(`User "${accountName(realm.namespace, 'operator')}" cannot get resource "secrets"`),
  });
  await realm.kubectl('root', ['apply', '--server-side', '--force-conflicts', '-f', '-'], role);
  await becomes('True');
});
