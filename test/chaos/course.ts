import { setTimeout as sleep } from 'node:timers/promises';
import type { Course, TopologyWatch } from '../../demo/course.ts';
import type { Verb } from '../../src/api/requests.ts';
import type { Revision } from '../../src/api/revision.ts';
import type { AliasMove, MigrationStatus, MigrationStep, Phase } from '../../src/api/stream-migration.ts';
import type { KubeObject } from '../../src/controller/kube/api.ts';
import type { Scene } from '../integration/migration/scene.ts';
import { type Chain, chainAt, chains, namedBy } from '../support/workload/topology.ts';
import type { Random } from './random.ts';

/** How a migration is meant to end. Where the killing comes first it may end otherwise, and then that has to be right as well. */
const endings = ['Complete', 'Abort', 'RollBack'] as const;
const detours = ['Approve', 'Supersede', 'Pause', 'Retry', 'Delete'] as const;
export type Plan = (typeof endings)[number] | (typeof detours)[number];

/** One migration, when it has ended. */
export interface Ended {
  readonly name: string;
  readonly plan: Plan;
  readonly chains: readonly Chain[];
  /** What was edited for it. */
  readonly versions: Readonly<Partial<Record<Chain, number>>>;
  readonly outcome: string;
  readonly seconds: number;
  readonly phases: ReturnType<Course['phases']>;
  readonly flip: MigrationStatus['flip'];
}

export interface CourseOptions {
  readonly scene: Scene;
  readonly watch: TopologyWatch;
  readonly random: Random;
  readonly say: (line: string) => void;
  readonly onPhase: () => void;
  readonly onEnd: (ended: Ended) => void;
  /** What should not have happened, although the migration went on. */
  readonly onProblem: (what: string) => void;
  readonly over: () => boolean;
  /** How long a migration may stay in one phase, and how long it may leave a request without an answer, in seconds. */
  readonly patience: number;
}

/** A migration that is under way. */
interface Running {
  readonly name: string;
  readonly plan: Plan;
  readonly chains: readonly Chain[];
  readonly versions: Readonly<Partial<Record<Chain, number>>>;
  readonly course: Course;
  readonly beganAt: number;
  /** When it entered its phase. */
  readonly movedAt: () => number;
}

/** Where an abort may strike, in the order in which a migration gets there. */
const beforeFlip: readonly Phase[] = ['Pending', 'Planning', 'Provisioning', 'CatchingUp', 'Verifying', 'AwaitingApproval'];
/** Where a deletion may strike: anywhere. */
const anywhere: readonly Phase[] = [...beforeFlip, 'Flipping', 'Soaking', 'TearingDown'];
const pollMilliseconds = 50;
const longSoak = '10m';

/** Edits the resources and rolls them out, one migration after the other without a break, until it is over. @throws Error when one gets stuck */
export async function migrateOnAndOn(options: CourseOptions): Promise<void> {
  const { scene, watch, random, say, over, patience } = options;
  const edited: Record<Chain, number> = { calls: 0, accounts: 0 };
  let count = 0;

  async function begin(plan: Plan, touched: readonly Chain[], spec: object): Promise<Running> {
    count += 1;
    const name = `m${count}`;
    for (const chain of touched) {
      edited[chain] += 1;
      await scene.apply(...chainAt(chain, edited[chain]));
    }
    const versions = Object.fromEntries(touched.map((chain) => [chain, edited[chain]]));
    const beganAt = performance.now();
    let movedAt = beganAt;
    const course = watch.course(name, (phase, { message }) => {
      movedAt = performance.now();
      say(`  ${name} ${phase}${message === undefined ? '' : `: ${message.slice(0, 160)}`}`);
      options.onPhase();
    });
    say(`${name} of ${touched.join(' and ')}, meant to ${plan}`);
    await scene.migrate(name, touched.flatMap(namedBy), { soak: `${Math.round(random.between(500, 6_000))}ms`, ...spec });
    return { name, plan, chains: touched, versions, course, beganAt, movedAt: () => movedAt };
  }

  const outcomeOf = ({ course }: Running): string | undefined => course.status()?.outcome;

  /** Waits until it holds, or the migration has ended. */
  async function until(one: Running, holds: (status: MigrationStatus | undefined) => boolean): Promise<void> {
    const began = performance.now();
    while (outcomeOf(one) === undefined && !holds(one.course.status())) {
      if (performance.now() - Math.max(began, one.movedAt()) > patience * 1_000)
        throw new Error(`${one.name} is stuck: ${JSON.stringify(one.course.status())}`);
      await sleep(pollMilliseconds);
    }
  }

  /** Asks until there is an answer: the operator that should give it may be dead, or another one than that which has read the request. */
  async function insist(one: Running, verb: Verb, step?: MigrationStep): Promise<void> {
    const end = performance.now() + patience * 1_000;
    while (outcomeOf(one) === undefined || verb === 'retry') {
      const result = await scene.ask(one.name, verb, step).then(
        (answer) => answer.result,
        () => undefined,
      );
      if (result !== undefined) say(`  ${one.name} was asked to ${verb}: ${result}`);
      if (result !== undefined && !/it is about (another plan|attempt)/.test(result)) return;
      if (performance.now() > end) throw new Error(`${one.name} does not answer to ${verb}: ${JSON.stringify(one.course.status())}`);
    }
  }

  /** Sees it through to its end, whatever that is. */
  async function finish(one: Running): Promise<void> {
    const waits = (phase: Phase | undefined): boolean => phase === 'AwaitingApproval' || phase === 'Held';
    for (;;) {
      await until(one, (status) => waits(status?.phase));
      const status = one.course.status();
      if (status?.outcome !== undefined) break;
      if (status?.phase === 'Held') {
        options.onProblem(`${one.name} is held: ${status.message} ${JSON.stringify(status.gates)}`);
        await insist(one, 'abort');
      } else await insist(one, 'promote');
      await until(one, (now) => !waits(now?.phase) || now?.message !== status?.message);
    }
    tell(one, outcomeOf(one) ?? '', one.course.status()?.flip);
  }

  function tell(one: Running, outcome: string, flip: MigrationStatus['flip']): void {
    const { course, beganAt, movedAt: _, ...known } = one;
    options.onEnd({ ...known, outcome, seconds: Math.round((performance.now() - beganAt) / 1_000), phases: course.phases(), flip });
  }

  /** Tries again until it holds. */
  async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + patience * 1_000;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`it does not come: ${what}`);
      await sleep(pollMilliseconds);
    }
  }

  /** Takes a migration away. Where it has moved readers they stay, and then a person does away with what was live before. */
  async function remove(one: Running): Promise<void> {
    await scene.remove('StreamMigration', one.name);
    await eventually(`${one.name} is gone`, async () => (await scene.object('StreamMigration', one.name)) === undefined);
    await sleep(1_000); // what its status said last comes by a watch
    const { flip, plan, outcome } = one.course.status() ?? {};
    const moved = flip !== undefined && (await areOn(flip.intent));
    if (moved && outcome === undefined)
      for (const { action, from } of plan?.steps ?? []) if (action === 'Clone' && from !== undefined) await removeRetired(from);
    tell(one, outcome ?? 'Deleted', flip && { ...flip, result: moved ? 'Moved' : 'NotMoved' });
  }

  async function areOn(moves: readonly AliasMove[]): Promise<boolean> {
    const found = await Promise.all(moves.map(async ({ alias }) => Object.keys((await scene.search(`_alias/${alias}`)) as object)));
    return moves.every(({ to }, index) => found[index]?.join() === to.index);
  }

  async function removeRetired(name: string): Promise<void> {
    const look = () => scene.object<Revision & KubeObject>('Revision', name);
    await eventually(`${name} is retired, or gone`, async () => ((await look())?.status?.role ?? 'retired') === 'retired');
    await scene.remove('Revision', name);
    await eventually(`${name} is gone`, async () => (await look()) === undefined);
  }

  const chosenChains = (): readonly Chain[] => random.pick([chains, chains, ['calls'], ['accounts']] as const);

  const ways: Readonly<Record<Plan, (plan: Plan) => Promise<void>>> = {
    async Complete(plan) {
      await finish(await begin(plan, chosenChains(), {}));
    },
    async Approve(plan) {
      const manual = random.pick([['Flip'], ['Provision', 'Flip'], ['Flip', 'Teardown'], ['Provision', 'Flip', 'Teardown']] as const);
      await finish(await begin(plan, chosenChains(), { manual }));
    },
    async Abort(plan) {
      const phase = random.pick(beforeFlip);
      const one = await begin(plan, chosenChains(), { manual: ['Flip'] });
      await until(one, (status) => beforeFlip.indexOf(status?.phase ?? 'Pending') >= beforeFlip.indexOf(phase));
      await sleep(random.between(0, 1_500));
      await insist(one, 'abort');
      await finish(one);
    },
    async RollBack(plan) {
      const one = await begin(plan, chosenChains(), { soak: longSoak });
      await until(one, (status) => status?.phase === 'Soaking' || status?.phase === 'Held');
      await sleep(random.between(0, 6_000));
      if (one.course.status()?.phase !== 'Held') await insist(one, 'rollback');
      await finish(one);
    },
    async Supersede(plan) {
      const touched = chosenChains();
      const older = await begin(plan, touched, random.next() < 0.5 ? { manual: ['Flip'] } : {});
      await until(older, (status) => status?.plan !== undefined);
      await sleep(random.between(0, 8_000));
      const newer = await begin(plan, random.next() < 0.5 ? touched : chains, {});
      // it is superseded, or approved just before that, or ends before the newer one begins
      await Promise.race([until(older, () => false), sleep(random.between(0, 15_000))]);
      await finish(older);
      await finish(newer);
    },
    async Pause(plan) {
      const phase = random.pick(anywhere);
      const one = await begin(plan, chosenChains(), {});
      await until(one, (status) => anywhere.indexOf(status?.phase ?? 'Pending') >= anywhere.indexOf(phase));
      await insist(one, 'pause');
      await sleep(random.between(500, 6_000));
      await insist(one, 'resume');
      await finish(one);
    },
    async Retry(plan) {
      const phase = random.pick(beforeFlip);
      const one = await begin(plan, chosenChains(), { manual: ['Flip'] });
      await until(one, (status) => beforeFlip.indexOf(status?.phase ?? 'Pending') >= beforeFlip.indexOf(phase));
      await insist(one, 'abort');
      await until(one, () => false);
      if (outcomeOf(one) === 'Aborted') {
        await insist(one, 'retry');
        await eventually(`${one.name} begins anew`, async () => (one.course.status()?.attempt ?? 1) > 1);
      }
      await finish(one);
    },
    async Delete(plan) {
      const phase = random.pick(anywhere);
      const spec = random.pick([{}, { manual: ['Flip'] }, { soak: longSoak }]);
      const one = await begin(plan, chosenChains(), spec);
      const isThere = (status: MigrationStatus | undefined): boolean => anywhere.indexOf(status?.phase ?? 'Pending') >= anywhere.indexOf(phase);
      const goesNoFurther = (status: MigrationStatus | undefined): boolean => status?.phase === 'AwaitingApproval' || status?.phase === 'Soaking';
      await until(one, (status) => isThere(status) || goesNoFurther(status));
      await sleep(random.between(0, 1_500));
      await remove(one);
    },
  };

  while (!over()) {
    // each plan once before any comes again, and every ending first, so that a short run has seen most
    for (const plan of [...random.shuffled<Plan>(endings), ...random.shuffled<Plan>(detours)]) if (!over()) await ways[plan](plan);
  }
}
