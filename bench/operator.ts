import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { kinds } from '../src/api/kinds.ts';
import type { Revision } from '../src/api/revision.ts';
import { openKafkaCluster } from '../src/drivers/kafka/cluster.ts';
import { startStack } from '../test/stack/stack.ts';
import { eventually } from '../test/support/grue.ts';
import { type GrueProcess, isLive, openScene, type Scene } from './grue.ts';
import { atMost, number, type Progress, type Section } from './section.ts';
import type { Sizes } from './sizes.ts';
import { median } from './statistics.ts';
import { applyChain, applyPlatform } from './topology.ts';

export interface OperatorFigures {
  /** A fresh operator over so many resources that are live already, after it has had nothing to do for a while. */
  readonly rssMiBAt1000: number;
  readonly rssMiBAtNone: number;
  /** The operator that has just installed all of them. */
  readonly rssMiBAfterInstalling: number;
  readonly resources: number;
  readonly revisions: number;
}

const AT_MOST_MIB = 180;
const AT_MOST_MORE_MIB = 40;
const TOPIC = 'flights';
const RESOURCES_PER_CHAIN = 4;

/** Memory of the bundled operator with nothing, and with many resources that are live and idle. No garbage collection is forced. */
export async function benchOperator(sizes: Sizes, progress: Progress): Promise<Section<OperatorFigures>> {
  await using stack = await startStack({ progress });
  await using scene = await openScene(stack, 'operator');
  const { signal } = new AbortController();
  const none = await idleMemory(scene, sizes, progress, 'no resources');

  const kafka = openKafkaCluster({ bootstrapServers: [stack.kafka.bootstrapServers], clientId: 'bench' });
  await kafka.createTopic({ name: TOPIC, partitions: 1, config: {} }, signal);
  await kafka.close();
  progress(`applying ${sizes.chains} chains of ${RESOURCES_PER_CHAIN} resources`);
  await applyPlatform(scene, stack);
  const installer = await scene.start('operator');
  for (let chain = 1; chain <= sizes.chains; chain++) await applyChain(scene, TOPIC, String(chain), 1);
  progress('waiting until all of them are live');
  const wanted = sizes.chains * RESOURCES_PER_CHAIN;
  const live = await eventually(
    `${wanted} live Revisions`,
    () => liveRevisions(scene, wanted),
    1_200,
    async () => (await liveRevisions(scene, 0))?.length,
  );
  const after = await settledMemory(installer, sizes, progress, 'after installing');
  await installer.stop();
  const many = await idleMemory(scene, sizes, progress, `${wanted} resources`);

  const figures: OperatorFigures = { rssMiBAt1000: many, rssMiBAtNone: none, rssMiBAfterInstalling: after, resources: wanted, revisions: live.length };
  const more = many - none;
  return {
    figures,
    rows: [
      {
        what: `operator: memory with ${number(wanted)} idle resources, all live (${sizes.chains} x stream on one topic, pipeline, stream, sink), MiB`,
        observed: number(many, 1),
        goal: atMost(many, AT_MOST_MIB, String(AT_MOST_MIB)),
      },
      { what: '  more than with none, MiB', observed: number(more, 1), goal: atMost(more, AT_MOST_MORE_MIB, String(AT_MOST_MORE_MIB)) },
      { what: '  with none, MiB', observed: number(none, 1) },
      { what: '  of the operator that has installed them all, MiB', observed: number(after, 1) },
    ],
  };
}

async function liveRevisions(scene: Scene, atLeast: number): Promise<readonly Revision[] | undefined> {
  const found: Revision[] = [];
  for (let token: string | undefined; ; ) {
    const page = await scene.kube.list<Revision>(kinds.Revision, {
      namespace: scene.namespace,
      limit: 500,
      ...(token === undefined ? {} : { continue: token }),
    });
    found.push(...page.items.filter(isLive));
    token = page.continue || undefined;
    if (token === undefined) return found.length >= atLeast ? found : undefined;
  }
}

async function idleMemory(scene: Scene, sizes: Sizes, progress: Progress, what: string): Promise<number> {
  const operator = await scene.start('operator');
  try {
    return await settledMemory(operator, sizes, progress, what);
  } finally {
    await operator.stop();
  }
}

/** Waits until the operator makes no passes any more, lets it be, and takes the median of samples. */
async function settledMemory({ pid, metric }: GrueProcess, { idleSeconds }: Sizes, progress: Progress, what: string): Promise<number> {
  const passes = () => metric('controller_runtime_reconcile_total');
  for (let before = -1, now = await passes(); before !== now; ) {
    before = now;
    await sleep(2_000);
    now = await passes();
  }
  await sleep(idleSeconds * 1_000);
  const samples: number[] = [];
  for (let second = 0; second < idleSeconds; second++) {
    samples.push(rssMiB(pid));
    await sleep(1_000);
  }
  const found = median(samples);
  progress(`memory of the operator, ${what}: ${number(found, 1)} MiB`);
  return found;
}

const rssMiB = (pid: number): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
