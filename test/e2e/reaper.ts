import type { Programs } from './programs.ts';
import type { Pod } from './scenario.ts';

/** Kills processes in pods from outside of them: from inside nobody can kill the first process of a pod. */
export interface Reaper {
  /** Kills all processes of the pod with SIGKILL. @throws Error when there is none */
  kill(pod: Pod): Promise<void>;
}

const name = 'reaper';

/** Runs in the reaper, which sees the processes of the whole node: a pod's are in a cgroup with its uid in the name. */
const script = `
  const { readdirSync, readFileSync } = require('node:fs');
  const uid = process.argv[1];
  const forms = [uid, uid.replaceAll('-', '_')];
  const read = (file) => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };
  const pids = readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid) && forms.some((form) => read('/proc/' + pid + '/cgroup').includes(form)));
  const killed = pids.filter((pid) => read('/proc/' + pid + '/comm').trim() !== 'pause');
  for (const pid of killed) try { process.kill(Number(pid), 'SIGKILL'); } catch (error) { if (error.code !== 'ESRCH') throw error; } // with its parent
  console.log(killed.length);
`;

/** Starts it as a privileged pod in a namespace of its own, which is there and allows that. */
export async function startReaper({ kubectl }: Programs, namespace: string, image: string): Promise<Reaper> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      hostPID: true,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name,
          image,
          imagePullPolicy: 'Never',
          command: ['node', '-e', 'setInterval(() => {}, 60_000)'],
          securityContext: { privileged: true, runAsUser: 0 },
        },
      ],
    },
  };
  await kubectl(['apply', '--filename', '-'], JSON.stringify(pod));
  await kubectl(['wait', 'pod', name, '--namespace', namespace, '--for=condition=Ready', '--timeout=120s']);
  return {
    async kill({ uid, name: of }) {
      const killed = await kubectl(['exec', name, '--namespace', namespace, '--', 'node', '-e', script, uid]);
      if (Number(killed) === 0) throw new Error(`pod ${of} has no process to kill`);
    },
  };
}
