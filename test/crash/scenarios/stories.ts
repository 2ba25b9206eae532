import { kinds } from '../../../src/api/kinds.ts';
import { requestAnnotations, type Verb } from '../../../src/api/requests.ts';
import type { MigrationStatus, MigrationStep, Phase } from '../../../src/api/stream-migration.ts';
import { namespaces } from '../../../src/reconcilers/namespace.ts';
import type { Beat, Scenario } from '../scenario.ts';
import { namespace, type Simulation } from '../simulation.ts';
import {
  accountRecords,
  applyAll,
  clean,
  cleanDoubled,
  cleanLarge,
  cleanTagged,
  copyDoubled,
  isInstalled,
  keyed,
  narrow,
  orderRecords,
  produce,
  reclaimable,
  wide,
} from './shop.ts';

const statusOf = ({ people }: Simulation, migration: string): MigrationStatus => people.migration(migration)?.status ?? {};
const inPhase =
  (migration: string, ...phases: readonly Phase[]) =>
  (sim: Simulation): boolean =>
    phases.some((phase) => statusOf(sim, migration).phase === phase);
const hasEnded =
  (migration: string, outcome: MigrationStatus['outcome']) =>
  (sim: Simulation): boolean =>
    statusOf(sim, migration).outcome === outcome;
const atOnce = (): boolean => true;

const roll = (says: string, pipeline: string, sql: string, migration: string, spec: object = {}, when: Beat['when'] = atOnce): Beat => ({
  says,
  when,
  act: ({ people }) => {
    people.edit('Pipeline', pipeline, { sql });
    people.apply('StreamMigration', migration, { resources: [{ kind: 'Pipeline', name: pipeline }], soak: '3s', ...spec });
  },
});

const ask = (migration: string, id: string, verb: Verb, when: Beat['when'], step?: MigrationStep): Beat => ({
  says: `somebody asks for ${verb}${step === undefined ? '' : ` of ${step}`}`,
  when,
  act: ({ people }) =>
    people.annotate('StreamMigration', migration, {
      [requestAnnotations.id]: id,
      [requestAnnotations.verb]: verb,
      ...(step === undefined ? {} : { [requestAnnotations.step]: step }),
    }),
});

const isGone =
  (migration: string) =>
  ({ people }: Simulation): boolean =>
    people.migration(migration) === undefined;
const isStalled =
  (migration: string, reason: string) =>
  (sim: Simulation): boolean =>
    statusOf(sim, migration).conditions?.some((condition) => condition.type === 'Stalled' && condition.status === 'True' && condition.reason === reason) ??
    false;

/** What `roll` applies, as it stands in Git. */
const doubleAgain =
  (migration: string) =>
  ({ people }: Simulation): void =>
    people.apply('StreamMigration', migration, { resources: [{ kind: 'Pipeline', name: 'clean' }], soak: '3s' });

/** With something else in it that this operator looks at, or it would not look before it is restarted. */
const writtenByNewer = ({ store }: Simulation): void =>
  void store.merge(kinds.StreamMigration, { namespace, name: 'double' }, { metadata: { annotations: { newer: 'yes' } }, status: { stateVersion: 2 } });

/** Readers see it at once, whatever the status says. */
const haveMoved = ({ search }: Simulation): boolean => Object.keys(search.snapshot().aliases['orders-found'] ?? {}).some((index) => index.includes('.2-'));

const isPaused = (sim: Simulation): boolean => statusOf(sim, 'double').pausedByRequest === true;

const awaits =
  (migration: string, step: MigrationStep) =>
  (sim: Simulation): boolean => {
    const { phase, flip, fence } = statusOf(sim, migration);
    const next = flip !== undefined ? 'Teardown' : fence !== undefined ? 'Flip' : 'Provision';
    return phase === 'AwaitingApproval' && next === step;
  };

/** A topology that is installed and has some data, before the story begins. */
const installed = (objects: typeof wide, topic: 'orders' | 'accounts'): Pick<Scenario, 'setting' | 'readers' | 'records'> => ({
  setting: {
    prepare: (sim) => {
      sim.kafka.createTopic({ name: topic, partitions: 2, config: {} });
      produce(sim, (topic === 'orders' ? orderRecords : accountRecords)(0, 12));
      applyAll(sim, objects);
    },
    begins: isInstalled,
  },
  readers: objects.flatMap(([kind, name]) => (kind === 'Connection' ? [name] : [])),
  records: (topic === 'orders' ? orderRecords : accountRecords)(12, 30),
});

const onAll = installed(wide, 'orders');
const onOrders = installed(narrow, 'orders');

/** @param or phases that people see instead, where a crash has hidden the first from them */
const deletedIn = (phase: Phase, spec: object, or: readonly Phase[] = [], more: readonly Beat[] = []): Scenario => ({
  ...onOrders,
  name: `deleted-in-${phase.toLowerCase()}`,
  says: `a migration is deleted in ${phase}`,
  story: [
    roll('the amounts are doubled', 'clean', cleanDoubled, 'double', spec),
    ...more,
    { says: 'the migration is deleted', when: inPhase('double', phase, ...or), act: ({ people }) => people.remove('StreamMigration', 'double') },
  ],
  ends: ({ people }) => people.migration('double') === undefined,
});

/** As the API server does: first it is marked, then all that is in it is deleted, in no order. */
function deleteNamespace({ store }: Simulation): void {
  store.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, finalizers: ['kubernetes'] } });
  store.remove(namespaces, { name: namespace });
  for (const type of [kinds.Platform, kinds.Revision, kinds.Connection, kinds.StreamMigration, kinds.Pipeline, kinds.Stream])
    for (const { metadata } of store.list(type, namespace)) store.remove(type, metadata);
}

/** Under the names of green, but not by us: what a deletion by name would take away. */
function makeAnew({ people, kafka, search, foreign }: Simulation): void {
  for (const { metadata, spec } of people.revisions()) {
    const { index, deadLetters } = spec.physical;
    if (metadata.name === 'connection-orders-found-2' && index !== undefined) {
      search.deleteIndex(index);
      search.createIndex({ name: index, mappings: {}, settings: {} });
      foreign.add(index);
    }
    if (metadata.name === 'pipeline-clean-2' && deadLetters !== undefined) {
      kafka.recreateTopic(deadLetters);
      foreign.add(deadLetters);
    }
  }
}

/** Every scenario, the simple ones first. */
export const scenarios: readonly Scenario[] = [
  {
    ...onAll,
    name: 'first-install',
    says: 'a topology with two stages and two sinks is installed',
    setting: {
      prepare: (sim) => {
        sim.kafka.createTopic({ name: 'orders', partitions: 2, config: {} });
        produce(sim, orderRecords(0, 12));
      },
      begins: atOnce,
    },
    story: [{ says: 'everything is applied', when: atOnce, act: (sim) => applyAll(sim, wide) }],
    ends: isInstalled,
  },
  {
    ...installed(reclaimable, 'orders'),
    name: 'reclaimed',
    says: 'a sink is deleted that is to be removed with its index some seconds afterwards',
    readers: [],
    story: [{ says: 'the sink is deleted', when: atOnce, act: ({ people }) => people.remove('Connection', 'orders-found') }],
    ends: ({ people }) => people.revisions().every(({ spec }) => spec.connection === undefined),
  },
  {
    ...onAll,
    name: 'migration',
    says: 'two stages and two sinks move to a new definition',
    story: [roll('the amounts are doubled', 'clean', cleanDoubled, 'double')],
    ends: hasEnded('double', 'Completed'),
  },
  {
    ...installed(keyed, 'accounts'),
    name: 'change-stream',
    says: 'a stream with one document per key moves to a new definition',
    story: [roll('the amounts are doubled', 'copy', copyDoubled, 'double')],
    ends: hasEnded('double', 'Completed'),
  },
  {
    ...onOrders,
    name: 'manual',
    says: 'a person approves each step',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Provision', 'Flip', 'Teardown'] }),
      ask('double', 'first', 'promote', awaits('double', 'Provision'), 'Provision'),
      ask('double', 'second', 'promote', awaits('double', 'Flip'), 'Flip'),
      ask('double', 'third', 'promote', awaits('double', 'Teardown'), 'Teardown'),
    ],
    ends: hasEnded('double', 'Completed'),
  },
  {
    ...onOrders,
    name: 'abort',
    says: 'a person gives a migration up before readers move',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Flip'] }),
      ask('double', 'first', 'abort', inPhase('double', 'AwaitingApproval')),
    ],
    ends: hasEnded('double', 'Aborted'),
  },
  {
    ...onOrders,
    name: 'held-and-retried',
    says: 'a gate fails; the definition is corrected and tried again',
    story: [
      roll('small orders are left out, which nobody declared', 'clean', cleanLarge, 'correct'),
      {
        says: 'the definition is corrected, and the migration retried',
        when: inPhase('correct', 'Held'),
        afterSeconds: 5,
        act: ({ people }) => {
          people.edit('Pipeline', 'clean', { sql: cleanDoubled });
          people.edit('StreamMigration', 'correct', { retry: 1 });
        },
      },
    ],
    ends: hasEnded('correct', 'Completed'),
  },
  {
    ...onOrders,
    name: 'rollback',
    says: 'readers go back to blue in the soak',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { soak: '10m' }),
      ask('double', 'first', 'rollback', inPhase('double', 'Soaking')),
    ],
    ends: hasEnded('double', 'RolledBack'),
  },
  {
    ...onOrders,
    name: 'paused',
    says: 'a person stops a migration in its soak, and lets it go on when that would have been over',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { soak: '6s' }),
      ask('double', 'first', 'pause', inPhase('double', 'Soaking')),
      { ...ask('double', 'second', 'resume', isPaused), afterSeconds: 10 },
    ],
    ends: hasEnded('double', 'Completed'),
  },
  {
    ...onOrders,
    name: 'superseded',
    says: 'an edit, another edit and the way back, each before the last one has moved readers',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Flip'] }),
      roll(
        'small orders are left out',
        'clean',
        cleanLarge,
        'large',
        { manual: ['Flip'], gates: { parity: { expect: { count: { min: 0.1, max: 1 } } } } },
        inPhase('double', 'AwaitingApproval'),
      ),
      roll('it is to be as it was', 'clean', clean, 'back', {}, inPhase('large', 'AwaitingApproval')),
    ],
    ends: (sim) => hasEnded('double', 'Aborted')(sim) && hasEnded('large', 'Aborted')(sim) && hasEnded('back', 'NothingToDo')(sim),
  },
  {
    ...onOrders,
    name: 'flip-back',
    says: 'in the soak it is written again as it was before',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { soak: '10m' }),
      roll('it is to be as it was', 'clean', clean, 'back', {}, inPhase('double', 'Soaking')),
    ],
    ends: (sim) => hasEnded('double', 'RolledBack')(sim) && hasEnded('back', 'Completed')(sim),
  },
  {
    ...onOrders,
    name: 'namespace-deleted',
    says: 'the namespace is deleted with all that is in it, a migration under way included',
    // Nothing is processed from then on, and when that is, is chance.
    records: [],
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Flip'] }),
      { says: 'the namespace is deleted', when: inPhase('double', 'AwaitingApproval'), act: deleteNamespace },
    ],
    ends: ({ people }) => people.revisions().length === 0 && people.migration('double') === undefined,
  },
  {
    ...onOrders,
    name: 'too-late',
    says: 'a person asks for an abort when readers have moved, and for a rollback when blue is being torn down',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double'),
      ask('double', 'first', 'abort', haveMoved),
      ask('double', 'second', 'rollback', ({ people }) =>
        people.revisions().some(({ metadata }) => metadata.name === 'pipeline-clean-1' && metadata.deletionTimestamp !== undefined),
      ),
    ],
    ends: hasEnded('double', 'Completed'),
  },
  {
    ...onOrders,
    name: 'made-by-others',
    says: 'somebody has made an index and a topic anew under the names of green, which is given up then',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Flip'] }),
      { says: 'an index and a topic of green are made anew', when: inPhase('double', 'AwaitingApproval'), act: makeAnew },
      ask('double', 'first', 'abort', inPhase('double', 'AwaitingApproval')),
    ],
    ends: hasEnded('double', 'Aborted'),
  },
  {
    ...onOrders,
    name: 'kept-in-git',
    says: 'a migration that has ended is created once more under its name, and then under another',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double'),
      { says: 'it is deleted', when: hasEnded('double', 'Completed'), act: ({ people }) => people.remove('StreamMigration', 'double') },
      { says: 'it is created once more', when: isGone('double'), act: doubleAgain('double') },
      { says: 'it is renamed', when: hasEnded('double', 'NothingToDo'), act: doubleAgain('double-renamed') },
    ],
    ends: hasEnded('double-renamed', 'NothingToDo'),
  },
  {
    ...onOrders,
    name: 'rejected-and-renamed',
    says: 'a migration that a person gave up is applied under another name',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Flip'] }),
      ask('double', 'first', 'abort', inPhase('double', 'AwaitingApproval')),
      { says: 'it is renamed', when: hasEnded('double', 'Aborted'), act: doubleAgain('double-renamed') },
    ],
    ends: isStalled('double-renamed', 'PlanRefused'),
  },
  {
    ...installed(wide, 'orders'),
    name: 'all-at-once',
    says: 'a topology is applied with the migrations that have led to it, where nothing is',
    setting: {
      prepare: (sim) => {
        sim.kafka.createTopic({ name: 'orders', partitions: 2, config: {} });
        produce(sim, orderRecords(0, 12));
      },
      begins: atOnce,
    },
    story: [
      {
        says: 'everything is applied, the migrations first',
        when: atOnce,
        act: (sim) => {
          for (const name of ['double', 'double-renamed']) doubleAgain(name)(sim);
          const change = { kind: 'Pipeline', name: 'tag', base: 'v1:of-what-was-live-once', set: { sql: cleanTagged('b') } };
          sim.people.apply('StreamMigration', 'tag', { changes: [change], soak: '3s' });
          applyAll(sim, wide);
        },
      },
    ],
    ends: (sim) =>
      isInstalled(sim) && hasEnded('double', 'NothingToDo')(sim) && hasEnded('double-renamed', 'NothingToDo')(sim) && isStalled('tag', 'WaitingForBase')(sim),
  },
  {
    ...onOrders,
    name: 'newer-version',
    says: 'the operator is replaced by one that is older than the migration, and a person approves the flip',
    story: [
      roll('the amounts are doubled', 'clean', cleanDoubled, 'double', { manual: ['Flip'] }),
      { says: 'a newer operator has written the status', when: inPhase('double', 'AwaitingApproval'), act: writtenByNewer },
      ask('double', 'first', 'promote', isStalled('double', 'NewerVersion'), 'Flip'),
    ],
    ends: isStalled('double', 'NewerVersion'),
  },
  deletedIn('Pending', { manual: ['Provision'] }, ['AwaitingApproval']),
  deletedIn('Provisioning', {}, ['CatchingUp', 'Verifying']),
  deletedIn('CatchingUp', {}, ['Verifying', 'Flipping']),
  deletedIn('Verifying', {}, ['Flipping']),
  deletedIn('AwaitingApproval', { manual: ['Flip'] }),
  deletedIn('Flipping', {}),
  deletedIn('Soaking', { soak: '10m' }),
  deletedIn('TearingDown', {}),
  deletedIn('Completed', {}),
  deletedIn('Held', { gates: { parity: { mode: 'Count', tolerance: 0, expect: { count: { min: 2, max: 3 } } } } }),
  deletedIn('Aborting', { manual: ['Flip'] }, ['Aborted'], [ask('double', 'first', 'abort', inPhase('double', 'AwaitingApproval'))]),
  deletedIn('RollingBack', { soak: '10m' }, [], [ask('double', 'first', 'rollback', inPhase('double', 'Soaking'))]),
];
