import { parseArgs } from 'node:util';
import { StackError } from './errors.ts';
import { PARTS, type Part } from './protocol.ts';
import { findStack, type Stack, type StackOptions, startLastingStack, stopStack } from './stack.ts';
import { exitCodeOf, printExports, printRow, timedProgress } from './terminal.ts';

const USAGE = `npm run stack -- <command> [options]

  up       start the servers and leave them running; what is missing is fetched and built first
  down     end them and forget their data
  status   what runs, where it is reached and where its logs are
  env      shell exports:  eval "$(npm run --silent stack -- env)"
  restart|kill|start|pause|resume <server>

  --name <name>          more than one stack can be up (default: default)
  --only <parts>         of ${PARTS.join(',')}
  --use-cluster          the cluster of KUBECONFIG instead of an API server of our own
  --listen <address>     of Kafka and Elasticsearch, instead of loopback: the node address of a cluster, for its pods
  --pin <server=cpus>    e.g. --pin elasticsearch=0 --pin kafka=1
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'default' },
    only: { type: 'string' },
    'use-cluster': { type: 'boolean', default: false },
    listen: { type: 'string' },
    pin: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

process.exitCode = await exitCodeOf(command(positionals[0]));

async function command(name: string | undefined): Promise<number> {
  const running = findStack(values.name);
  switch (name) {
    case 'up': {
      if (running !== undefined) console.error(`the stack "${values.name}" is up already`);
      show(running ?? (await startLastingStack(upOptions())));
      return 0;
    }
    case 'down':
      await stopStack(values.name);
      console.error(`the stack "${values.name}" is down`);
      return 0;
    case 'status':
      if (running === undefined) console.log(`the stack "${values.name}" is down`);
      else show(running);
      return running === undefined ? 1 : 0;
    case 'env':
      printExports(needed(running).env);
      return 0;
    case 'restart':
    case 'pause':
    case 'resume':
    case 'kill':
      await needed(running)[name](needed(positionals[1], 'name the server'));
      return 0;
    case 'start':
      await needed(running).startServer(needed(positionals[1], 'name the server'));
      return 0;
    default:
      console.error(USAGE);
      return values.help ? 0 : 2;
  }
}

function needed<T>(value: T | undefined, otherwise = `the stack "${values.name}" is down; \`npm run stack -- up\` starts it`): T {
  if (value === undefined) throw new StackError('STACK-STATE', otherwise);
  return value;
}

function upOptions(): StackOptions & { name: string } {
  const useCluster = values['use-cluster'] ? needed(process.env['KUBECONFIG'], '--use-cluster takes the cluster from KUBECONFIG, which is not set') : undefined;
  const pin = Object.fromEntries(values.pin.map((text) => [text.split('=')[0], (text.split('=')[1] ?? '').split(',').map(Number)]));
  return { name: values.name, only: parts(values.only), useCluster, listen: values.listen, pin, progress: timedProgress() };
}

function parts(list: string | undefined): readonly Part[] {
  if (list === undefined) return PARTS;
  return list.split(',').map((text) =>
    needed(
      PARTS.find((part) => part === text),
      `"${text}" is no part of a stack; parts are ${PARTS.join(', ')}`,
    ),
  );
}

function show(stack: Stack): void {
  for (const [name, value] of Object.entries(stack.env)) printRow(name, value);
  for (const { name, pid } of stack.servers()) printRow(name, `process ${pid}, ${stack.log(name)}`);
}
