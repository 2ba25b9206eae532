import { parseArgs } from 'node:util';
import { StackError } from '../stack/errors.ts';
import { exitCodeOf, printExports, printRow, timedProgress } from '../stack/terminal.ts';
import { type Cluster, type Flavour, findCluster, startLastingCluster, stopCluster } from './cluster.ts';
import { buildImage } from './image/build.ts';

const USAGE = `npm run cluster -- <command> [options]

  up       start a Kubernetes of one node and leave it running; what is missing is fetched and built first
  down     end it and forget what is in it
  status   whether it is up and how it is reached
  env      shell exports:  eval "$(npm run --silent cluster -- env)"
  load     build the image of this working tree and give it to the node; prints its tag

  --name <name>          more than one cluster can be up (default: default)
  --flavour local|kind   kind where Docker and kind are there, else plain processes, which need root
  --audit                the API server writes down every request
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'default' },
    flavour: { type: 'string' },
    audit: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const progress = timedProgress();

process.exitCode = await exitCodeOf(command(positionals[0]));

async function command(name: string | undefined): Promise<number> {
  const running = values.help || name === undefined ? undefined : await findCluster(values.name);
  switch (name) {
    case 'up':
      if (running !== undefined) console.error(`the cluster "${values.name}" is up already`);
      show(running ?? (await startLastingCluster({ name: values.name, audit: values.audit, progress, ...flavour() })));
      return 0;
    case 'down':
      await stopCluster(values.name);
      console.error(`the cluster "${values.name}" is down`);
      return 0;
    case 'status':
      if (running === undefined) console.log(`the cluster "${values.name}" is down`);
      else show(running);
      return running === undefined ? 1 : 0;
    case 'env':
      printExports(environment(needed(running)));
      return 0;
    case 'load': {
      const cluster = needed(running);
      const tag = await buildImage({ progress });
      await cluster.loadImage(tag);
      console.log(tag);
      return 0;
    }
    default:
      console.error(USAGE);
      return values.help ? 0 : 2;
  }
}

function flavour(): { readonly flavour?: Flavour } {
  if (values.flavour === undefined) return {};
  if (values.flavour !== 'local' && values.flavour !== 'kind')
    throw new StackError('STACK-STATE', `"${values.flavour}" is no flavour; flavours are local, kind`);
  return { flavour: values.flavour };
}

function needed(cluster: Cluster | undefined): Cluster {
  if (cluster === undefined) throw new StackError('STACK-STATE', `the cluster "${values.name}" is down; \`npm run cluster -- up\` starts it`);
  return cluster;
}

function environment({ kubeconfig, nodeAddress, kubectl, helm }: Cluster): Readonly<Record<string, string>> {
  return { KUBECONFIG: kubeconfig, GRUE_NODE_ADDRESS: nodeAddress, GRUE_KUBECTL: kubectl, GRUE_HELM: helm };
}

function show(cluster: Cluster): void {
  printRow('flavour', cluster.flavour);
  for (const [name, value] of Object.entries(environment(cluster))) printRow(name, value);
  if (cluster.auditLog !== undefined) printRow('audit log', cluster.auditLog);
}
