import { randomBytes } from 'node:crypto';
import { orAborted } from '../../demo/abort.ts';
import type { KubeClient } from '../../src/controller/kube/client.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Canaries } from './canaries.ts';
import { type Programs, programsOn } from './programs.ts';
import type { Reaper } from './reaper.ts';
import { releaseOf } from './release.ts';
import { isRight, type ScenarioResult } from './report.ts';
import { type Context, type Numbers, noNumbers, type Release, type Scenario, type Values } from './scenario.ts';
import { type Servers, startWorkload } from './workload.ts';

/** What all scenarios of a run share. */
export interface World {
  readonly cluster: Cluster;
  readonly image: Context['image'];
  readonly kube: KubeClient;
  readonly programs: Programs;
  readonly servers: Servers;
  readonly canaries: Canaries;
  readonly reaper: Reaper;
  /** Adds to the record of the run. */
  readonly note: (file: string, text: string) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Nothing that is well takes this long, not even when others run beside it. */
const patienceMilliseconds = 600_000;

/** Values of every release: tests do not wait as long as people do. */
export const testValues = ({ repository, tag }: Context['image']): Values => ({ image: { repository, tag, pullPolicy: 'Never' }, operator: { settle: '1s' } });

/** Definitions and roles belong to the release for all namespaces, which leaves them behind. */
const ownValues: Values = { crds: { install: false }, rights: { roles: false } };

/** Plays scenarios side by side, so many at once. @returns results in the order of the scenarios */
export async function play(
  scenarios: readonly Scenario[],
  atOnce: number,
  world: World,
  shared: Release | undefined,
  onResult: (result: ScenarioResult) => void,
): Promise<readonly ScenarioResult[]> {
  const results = new Map<Scenario, ScenarioResult>();
  const waiting = [...scenarios];
  const takeTurns = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario !== undefined && !world.signal.aborted; scenario = waiting.shift()) {
      const result = await playOne(scenario, world, shared);
      if (world.signal.aborted) return; // what was torn off in the middle has neither passed nor failed
      results.set(scenario, result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, takeTurns));
  return scenarios.flatMap((scenario) => results.get(scenario) ?? []);
}

async function playOne(scenario: Scenario, world: World, shared: Release | undefined): Promise<ScenarioResult> {
  const { name } = scenario;
  const began = performance.now();
  const over = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const ending = new AsyncDisposableStack();
  let numbers: Numbers = noNumbers;
  const problems: string[] = [];
  try {
    await scenario.prepare?.(world.say, world.signal);
    late = setTimeout(() => over.abort(new Error(`not over within ${patienceMilliseconds / 60_000} minutes`)), patienceMilliseconds);
    const signal = AbortSignal.any([world.signal, over.signal]);
    const context = await contextOf(scenario, world, shared, ending, signal);
    numbers = await orAborted(scenario.run(context), signal);
    if (scenario.installation === 'Own') await noteMetrics(context.release, world);
    if (!isRight(numbers)) problems.push(`${numbers.lost} lost, ${numbers.duplicated} duplicated, ${numbers.failedReads} failed reads`);
  } catch (error) {
    problems.push((error as Error).stack ?? String(error));
  }
  clearTimeout(late);
  await ending.disposeAsync().catch((error: unknown) => problems.push(`ending it failed: ${(error as Error).stack}`));
  over.abort(new Error('the scenario is over'));
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const problem = problems.join('\n');
  return { name, passed: problem === '', seconds, ...numbers, ...(problem === '' ? {} : { problem }) };
}

/** What the pods of a release tell a scraper. They serve it on loopback, unless the chart is told otherwise. */
export async function noteMetrics(release: Release, { programs, note }: Pick<World, 'programs' | 'note'>): Promise<void> {
  const script = `fetch('http://127.0.0.1:8080/metrics').then((answer) => answer.text()).then(console.log)`;
  for (const { name, namespace } of [...(await release.pods('operator')), ...(await release.pods('worker'))])
    note('metrics.txt', await programs.kubectl(['exec', name, '--namespace', namespace, '--', 'node', '-e', script]));
}

async function contextOf(
  { name, installation }: Scenario,
  world: World,
  shared: Release | undefined,
  ending: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Context> {
  const { cluster, image, kube, servers, canaries, reaper } = world;
  const note = (text: string): void => world.note('programs.log', text);
  const programs = programsOn({ cluster, note, signal });
  // ending it must work also when the scenario was called off
  const lastPrograms = programsOn({ cluster, note, signal: AbortSignal.any([world.signal, AbortSignal.timeout(2 * patienceMilliseconds)]) });
  const namespace = `${slugOf(name)}-${randomBytes(2).toString('hex')}`;
  const say = (line: string): void => world.say(`[${namespace}] ${line}`);

  const makeNamespace = async (suffix?: string): Promise<string> => {
    const made = suffix === undefined ? namespace : `${namespace}-${suffix}`;
    await programs.kubectl(['apply', '--filename', '-'], JSON.stringify(restrictedNamespace(made)));
    ending.defer(async () => {
      await lastPrograms.kubectl(['delete', 'namespace', made, '--ignore-not-found', '--wait=false']);
    });
    return made;
  };
  const ownRelease = (): Release => {
    const made = releaseOf({ name: 'grue', namespace, values: { ...testValues(image), ...ownValues }, programs, kube, reaper });
    const last = releaseOf({ name: 'grue', namespace, values: {}, programs: lastPrograms, kube, reaper });
    return {
      ...made,
      install: (...how) => {
        ending.defer(async () => {
          await last.uninstall().catch((error: Error) => {
            if (!/not found/.test(error.message)) throw error;
          });
        });
        return made.install(...how);
      },
    };
  };
  await makeNamespace();
  if (installation === 'Shared' && shared === undefined) throw new Error('there is no release for all namespaces');
  return {
    cluster,
    image,
    kube,
    namespace,
    makeNamespace,
    release: shared ?? ownRelease(),
    ...programs,
    async startWorkload(options = {}) {
      const where = options.namespace ?? namespace;
      // an installation knows itself by the uid of kube-system and its value: releases beside each other are one, and share what has one prefix
      const around = { namespace: where, prefix: 'grue', servers, kube, programs, canaries, say, signal };
      return ending.use(await startWorkload(around, options));
    },
    canaryOf: canaries.add,
    say,
    onEnd: (work) => ending.defer(work),
    signal,
  };
}

export const restrictedNamespace = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/enforce-version': 'latest' } },
});

/** The beginning of a sentence, as a name that leaves room for more. */
const slugOf = (sentence: string): string =>
  sentence
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 20)
    .replace(/^-+|-+$/g, '');
