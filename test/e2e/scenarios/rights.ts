import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../../../scripts/processes.ts';
import type { Context, Scenario } from '../scenario.ts';

const users = ['view', 'editor', 'promoter', 'admin'] as const;
type User = (typeof users)[number];

export const rights: Scenario = {
  name: 'who may edit, who may promote, and who may write a status',
  installation: 'Shared',
  async run(context) {
    const { startWorkload, namespace, kubectl, say } = context;
    const workload = await startWorkload();
    const as = await usersOf(context);
    await workload.migrate('guarded', { manual: ['Flip'] });
    await workload.inPhase('guarded', 'AwaitingApproval');
    const [revision] = await workload.workspace.revisions();
    const smig = ['smig', 'guarded', '--namespace', namespace];
    const here = ['--namespace', namespace];
    const grev = ['grev', revision?.metadata.name ?? '', ...here];
    const status = ['--subresource=status', '--type=merge', '--patch', '{"status":{"phase":"Completed"}}'];

    const refusals: readonly (readonly [what: string, says: RegExp, attempt: () => Promise<string>])[] = [
      ['a viewer edits', /cannot patch/, () => as.kubectl('view', ['patch', ...smig, '--type=merge', '--patch', '{"spec":{"paused":true}}'])],
      ['an editor promotes with the CLI', /verb "promote".*missing/s, () => as.grue('editor', ['promote', 'guarded', ...here])],
      [
        'an editor approves in the spec',
        /verb "promote".*spec.approvals/s,
        () => as.kubectl('editor', ['patch', ...smig, '--type=merge', '--patch', approval()]),
      ],
      ['an editor aborts', /verb "abort".*missing/s, () => as.kubectl('editor', ['patch', ...smig, '--type=merge', '--patch', '{"spec":{"abort":true}}'])],
      ['a promoter asks in the name of another', /in the name of eve/, () => as.kubectl('promoter', ['annotate', ...smig, ...forged])],
      ['an admin writes a status', /cannot (get|patch) resource "streammigrations.status"/, () => as.kubectl('admin', ['patch', ...smig, ...status])],
      ['an administrator of the cluster writes a status', /may not write the status/, () => kubectl(['patch', ...smig, ...status])],
      ['an admin edits a Revision', /cannot patch resource "revisions"/, () => as.kubectl('admin', ['label', ...grev, 'mine=yes'])],
      ['an administrator of the cluster edits a Revision', /may not change Revision/, () => kubectl(['label', ...grev, 'mine=yes'])],
      ['an editor deletes what is live', /grue.dev\/allow-delete=true is missing/, () => as.kubectl('editor', ['delete', 'gpl', 'billed', ...here])],
    ];
    for (const [what, says, attempt] of refusals) {
      const refusal = await attempt().then(
        (output) => {
          throw new Error(`${what}, and is let: ${output}`);
        },
        ({ message }: Error) => message,
      );
      if (!says.test(refusal)) throw new Error(`${what}, and is refused, but not with ${says}: ${refusal}`);
    }
    say(`${refusals.length} attempts were refused, each with what is missing`);
    say((await as.grue('promoter', ['promote', 'guarded', ...here])).trim());
    await workload.inPhase('guarded', 'Completed');
    await workload.nothingLeft();
    return workload.settle();
  },
};

const approval = (): string => JSON.stringify({ spec: { approvals: [{ step: 'Flip', plan: 'v1:forged' }] } });
const forged = ['grue.dev/request-id=forged', 'grue.dev/request-verb=pause', 'grue.dev/request-by=eve'];

interface Users {
  kubectl(user: User, args: readonly string[]): Promise<string>;
  /** The command line, from source. */
  grue(user: User, args: readonly string[]): Promise<string>;
}

/** An account for each role, in the namespace of the scenario, known by its token alone. */
async function usersOf({ cluster, kubectl, namespace, onEnd, canaryOf }: Context): Promise<Users> {
  const directory = await mkdtemp(join(tmpdir(), 'grue-users-'));
  onEnd(() => rm(directory, { recursive: true }));
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '--output', 'json'])) as {
    readonly clusters: readonly object[];
    readonly contexts: readonly { readonly context: object }[];
  };
  for (const user of users) {
    await kubectl(['create', 'serviceaccount', user, '--namespace', namespace]);
    await kubectl(['create', 'rolebinding', user, '--namespace', namespace, `--clusterrole=grue-${user}`, `--serviceaccount=${namespace}:${user}`]);
    const token = (await kubectl(['create', 'token', user, '--namespace', namespace])).trim();
    canaryOf(token);
    const contexts = config.contexts.map((context) => ({ ...context, context: { ...context.context, user } }));
    await writeFile(join(directory, user), JSON.stringify({ ...config, contexts, users: [{ name: user, user: { token } }] }), { mode: 0o600 });
  }
  const run = async (command: readonly string[]): Promise<string> => {
    const { exitCode, output } = await runTool(command, { quiet: true });
    if (exitCode !== 0) throw new Error(output);
    return output;
  };
  return {
    kubectl: (user, args) => run([cluster.kubectl, '--kubeconfig', join(directory, user), ...args]),
    grue: (user, args) => run([process.execPath, 'src/main.ts', ...args, '--kubeconfig', join(directory, user)]),
  };
}
