import { Command, InvalidArgumentError } from 'commander';
import { duration, durationMilliseconds } from '../api/common.ts';
import { type LogLevel, winstonLogger } from '../logging.ts';

interface ProcessOptions {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
}

interface OperatorFlags extends ProcessOptions {
  readonly leaseNamespace?: string;
  readonly installation: string;
  readonly settle: number;
}

/** Runs what the arguments ask for. @throws Error with a text for people */
export async function program(argv: readonly string[]): Promise<void> {
  const grue = new Command('grue').description('Blue-green deployment of streaming topologies, with proof of parity').version('0.1.0');
  processCommand(grue, 'operator', 'watches the resources of grue.dev and carries out migrations')
    .option('--lease-namespace <name>', 'namespace of the leader election Lease')
    .option('--installation <name>', 'name of this installation, written into markers', 'grue')
    .option('--settle <duration>', 'how long resources must be unchanged before a migration is planned', milliseconds, 10_000)
    .action(async (flags: OperatorFlags) => {
      const { runOperator } = await import('../operator.ts');
      const { kubeconfig, namespace, leaseNamespace, installation, settle, listen } = flags;
      const logger = winstonLogger({ level: flags.logLevel, format: flags.logFormat });
      await runOperator({ kubeconfig, namespace, leaseNamespace, installation, settleMilliseconds: settle, listen, logger, exit: (code) => process.exit(code) }, stopSignal());
    });
  processCommand(grue, 'worker', 'runs the SQL and the sinks of embedded Revisions').action(async (flags: ProcessOptions) => {
    const { runWorker } = await import('../worker/main.ts');
    const { kubeconfig, namespace, listen } = flags;
    const logger = winstonLogger({ level: flags.logLevel, format: flags.logFormat });
    await runWorker({ kubeconfig, namespace, listen, logger }, stopSignal());
  });
  await grue.parseAsync(argv as string[]);
}

const processCommand = (grue: Command, name: string, description: string): Command =>
  grue
    .command(name)
    .description(description)
    .option('--kubeconfig <file>', 'how to reach the API server; in a pod its service account is used')
    .option('-n, --namespace <name>', 'watch this namespace only')
    .option('--listen <address>', 'host:port of health and metrics', address, { host: '127.0.0.1', port: 0 })
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--log-format <format>', 'json or text', 'json');

function milliseconds(text: string): number {
  if (!duration.safeParse(text).success) throw new InvalidArgumentError('a duration such as 10s or 1m30s is expected');
  return durationMilliseconds(text);
}

function address(text: string): ProcessOptions['listen'] {
  const match = /^(.*):(\d{1,5})$/.exec(text);
  if (!match) throw new InvalidArgumentError('host:port is expected');
  return { host: match[1] === '' ? '0.0.0.0' : (match[1] ?? ''), port: Number(match[2]) };
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort(new Error(`stopped by ${signal}`));
      process.once(signal, () => process.exit(130));
    });
  }
  return stop.signal;
}
