import { startCluster } from '../cluster.ts';

/** A process that owns a cluster: it prints its name on stdout and then waits to be ended by the test. */
const { name, kubeconfig } = await startCluster({ progress: console.error });
setInterval(() => {}, 1000);
console.log(JSON.stringify({ name, kubeconfig }));
