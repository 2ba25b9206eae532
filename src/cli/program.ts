import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { setFlagsFromString } from 'node:v8';
import { Command, InvalidArgumentError, Option } from 'commander';
import { duration, durationMilliseconds } from '../api/common.ts';
import { type Verb, verbs } from '../api/requests.ts';
import { type MigrationStep, migrationStep } from '../api/stream-migration.ts';
import { systemClock } from '../controller/clock.ts';
import type { Address } from '../controller/endpoints.ts';
import { type KubeClient, kubeClient } from '../controller/kube/client.ts';
import { currentNamespace, loadKubeConfig } from '../controller/kube/config.ts';
import { runtimeMetrics } from '../controller/metrics.ts';
import { type LogLevel, winstonLogger } from '../logging.ts';
import { exportText } from './export.ts';
import { planText } from './plan.ts';
import { orphansText, takeOver } from './platforms.ts';
import { asRefusal } from './refusal.ts';
import { request } from './requests.ts';
import { statusText } from './status.ts';

interface ProcessOptions {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly listen: Address;
  readonly metricsListen?: Address;
  readonly metricsTlsDirectory?: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
}

interface OperatorFlags extends ProcessOptions {
  readonly leaseNamespace?: string;
  readonly installation: string;
  readonly settle: number;
  readonly letGo: number;
}

/** Runs what the arguments ask for. @throws Error with a text for people */
export async function program(argv: readonly string[]): Promise<void> {
  const grue = new Command('grue').description('Blue-green deployment of streaming topologies, with proof of parity').version('0.1.0');
  processCommand(grue, 'operator', 'watches the resources of grue.dev and carries out migrations')
    .option('--lease-namespace <name>', 'namespace of the leader election Lease')
    .option('--installation <name>', 'name of this installation, written into markers', 'grue')
    .option('--settle <duration>', 'how long resources must be unchanged before a migration is planned', milliseconds, 10_000)
    .option(
      '--let-go <duration>',
      'how long a deleted object waits for servers that do not answer; what it stood for is left behind then',
      milliseconds,
      600_000,
    )
    .action(async (flags: OperatorFlags) => {
      // It is idle most of the time. Without this V8 keeps all the heap that a burst of passes has once needed.
      setFlagsFromString('--optimize-for-size');
      const { runOperator } = await import('../operator.ts');
      const { kubeconfig, namespace, leaseNamespace, installation, settle, letGo } = flags;
      const logger = winstonLogger({ level: flags.logLevel, format: flags.logFormat });
      await runOperator(
        {
          kubeconfig,
          namespace,
          leaseNamespace,
          installation,
          settleMilliseconds: settle,
          letGoMilliseconds: letGo,
          endpoints: flags,
          logger,
          exit: (code) => process.exit(code),
        },
        stopSignal(),
      );
    });
  processCommand(grue, 'worker', 'runs the SQL and the sinks of embedded Revisions')
    .option('--id <name>', 'names this worker in conditions, logs and brokers; by default the name of the machine, in a pod that of the pod')
    .action(async (flags: ProcessOptions & { readonly id?: string }) => {
      const { runWorker } = await import('../worker/main.ts');
      const { kubeconfig, namespace, id } = flags;
      const logger = winstonLogger({ level: flags.logLevel, format: flags.logFormat });
      await runWorker({ kubeconfig, namespace, id, endpoints: flags, logger }, stopSignal());
    });
  peopleCommand(grue, 'status [migration]', 'shows migrations, their gates, and blue and green side by side')
    .option('-w, --watch', 'again every second, until interrupted')
    .action((name: string | undefined, flags: PeopleFlags & { readonly watch?: boolean }) =>
      withKube(flags, (kube, namespace) => showStatus(kube, namespace, name, flags.watch === true)),
    );
  const meanings: Readonly<Record<Verb, string>> = {
    promote: 'approves the step that the migration waits at',
    abort: 'gives up before the flip; green is removed',
    rollback: 'moves readers back to blue within the soak',
    pause: 'takes no further step; what runs goes on running',
    resume: 'goes on after a pause',
    retry: 'starts a new attempt',
  };
  for (const verb of verbs) {
    const command = peopleCommand(grue, `${verb} <migration>`, meanings[verb]).option('--reason <text>', 'why, for the record');
    if (verb === 'promote')
      command.addOption(new Option('--step <step>', 'the step to approve; by default the one it waits at').choices(migrationStep.options));
    command.action((name: string, flags: PeopleFlags & { readonly step?: MigrationStep; readonly reason?: string }) =>
      withKube(flags, async (kube, namespace) => {
        const { result } = await request(kube, { namespace, name, verb, step: flags.step, reason: flags.reason });
        process.stdout.write(`${verb} ${name}: ${result}\n`);
        if (result.startsWith('refused')) process.exitCode = 1;
      }),
    );
  }
  peopleCommand(grue, 'plan', 'pins a migration to the state of now: digests of what it names, and the base of each change')
    .requiredOption('-f, --filename <file>', 'the StreamMigration; - reads the standard input')
    .action((flags: PeopleFlags & { readonly filename: string }) =>
      withKube(flags, async (kube, namespace) => {
        process.stdout.write(await planText(kube, namespace, readFileSync(flags.filename === '-' ? 0 : flags.filename, 'utf8')));
      }),
    );
  peopleCommand(grue, 'export <resource>', 'prints a Stream, Pipeline or Connection (Pipeline/delays) as it is live, to be put into Git').action(
    (target: string, flags: PeopleFlags) =>
      withKube(flags, async (kube, namespace) => {
        process.stdout.write(await exportText(kube, namespace, target));
      }),
  );
  peopleCommand(grue, 'orphans', 'lists what was made on the servers and no Revision knows any more').action((flags: PeopleFlags) =>
    withKube(flags, async (kube, namespace) => {
      process.stdout.write(await orphansText(kube, namespace));
    }),
  );
  peopleCommand(grue, 'takeover', 'takes servers over from an installation that is gone for good, and goes on with what it made')
    .option('--platform <name>', 'the Platform whose servers they are', 'default')
    .option('--reason <text>', 'why, for the record')
    .option('-y, --yes', 'without asking')
    .action((flags: PeopleFlags & { readonly platform: string; readonly reason?: string; readonly yes?: boolean }) =>
      withKube(flags, async (kube, namespace) => {
        const { platform, reason, yes } = flags;
        const { result } = await takeOver(kube, { namespace, platform, reason, confirm: yes ? async () => true : askPerson });
        process.stdout.write(`takeover of ${platform}: ${result}\n`);
        if (result.startsWith('refused')) process.exitCode = 1;
      }),
    );
  await grue.parseAsync(argv as string[]);
}

const processCommand = (grue: Command, name: string, description: string): Command =>
  grue
    .command(name)
    .description(description)
    .option('--kubeconfig <file>', 'how to reach the API server; in a pod its service account is used')
    .option('-n, --namespace <name>', 'watch this namespace only')
    .option('--listen <address>', 'host:port of health, and of metrics if it is on loopback', address, { host: '127.0.0.1', port: 0 })
    .option('--metrics-listen <address>', 'host:port of metrics; beyond loopback they are for who may get the non-resource URL /metrics', address)
    .option('--metrics-tls-directory <directory>', 'serves metrics over HTTPS, with tls.crt and tls.key from there')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--log-format <format>', 'json or text', 'json');

interface PeopleFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

const peopleCommand = (grue: Command, name: string, description: string): Command =>
  grue
    .command(name)
    .description(description)
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('-n, --namespace <name>', 'namespace; that of the context by default');

async function withKube(flags: PeopleFlags, work: (kube: KubeClient, namespace: string) => Promise<void>): Promise<void> {
  const config = loadKubeConfig(flags.kubeconfig);
  const kube = kubeClient({ config, clock: systemClock, metrics: runtimeMetrics(), userAgent: 'grue-cli' });
  try {
    await work(kube, flags.namespace ?? currentNamespace(config));
  } catch (error) {
    throw asRefusal(error);
  } finally {
    kube.close();
  }
}

/** Anything but `yes` is a no; so is a standard input that is no terminal. */
async function askPerson(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(`${question} (yes/no) `)).trim() === 'yes';
  } finally {
    lines.close();
  }
}

async function showStatus(kube: KubeClient, namespace: string, name: string | undefined, watch: boolean): Promise<void> {
  const stop = stopSignal();
  do {
    const text = await statusText(kube, namespace, name);
    process.stdout.write(watch && process.stdout.isTTY ? `\x1b[H\x1b[2J${text}` : text);
    if (watch) await systemClock.sleep(1_000, stop).catch(() => {});
  } while (watch && !stop.aborted);
}

function milliseconds(text: string): number {
  if (!duration.safeParse(text).success) throw new InvalidArgumentError('a duration such as 10s or 1m30s is expected');
  return durationMilliseconds(text);
}

function address(text: string): Address {
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
