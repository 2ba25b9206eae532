import { type Context, noNumbers, type Pod, type Scenario } from '../scenario.ts';

export const restricted: Scenario = {
  name: 'the pods run as restricted, with nothing to write to',
  installation: 'Shared',
  async run({ release, kubectl, say }) {
    const namespace = JSON.parse(await kubectl(['get', 'namespace', release.namespace, '--output', 'json'])) as {
      readonly metadata: { readonly labels: object };
    };
    if (!JSON.stringify(namespace.metadata.labels).includes('"pod-security.kubernetes.io/enforce":"restricted"'))
      throw new Error(`namespace ${release.namespace} does not ask for it`);
    for (const pod of [...(await release.pods('operator')), ...(await release.pods('worker'))]) await lookAt(pod, kubectl);
    say('no root, no capabilities, no new privileges, and a root file system that cannot be written');
    return noNumbers;
  },
};

const script = `
  const { readFileSync, writeFileSync } = require('node:fs');
  const status = Object.fromEntries(readFileSync('/proc/1/status', 'utf8').split('\\n').map((line) => line.split(':\\t')));
  const writable = ['/', '/tmp', '/home/node', process.cwd()].filter((directory) => {
    try { writeFileSync(directory + '/probe', ''); return true; } catch { return false; }
  });
  console.log(JSON.stringify({ uid: status.Uid.split('\\t')[0], capabilities: status.CapEff, noNewPrivileges: status.NoNewPrivs, seccomp: status.Seccomp, writable }));
`;

async function lookAt({ name, namespace }: Pod, kubectl: Context['kubectl']): Promise<void> {
  const seen = JSON.parse(await kubectl(['exec', name, '--namespace', namespace, '--', 'node', '-e', script])) as Readonly<Record<string, unknown>>;
  const wanted = { uid: '1000', capabilities: '0000000000000000', noNewPrivileges: '1', seccomp: '2', writable: [] };
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${name} runs as ${JSON.stringify(seen)}, not as ${JSON.stringify(wanted)}`);
}
