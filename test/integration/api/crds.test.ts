import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiVersion } from '../../../src/api/common.ts';
import { type Kind, kinds } from '../../../src/api/kinds.ts';
import { mutableMigrationFields } from '../../../src/api/stream-migration.ts';
import { examples } from '../../api/examples.ts';
import { type Answer, ask, installCrds, kubectl, makeNamespace, removeNamespace } from './server.ts';

const allKinds = Object.keys(kinds) as Kind[];

let namespace = '';
beforeAll(async () => {
  await installCrds();
  namespace = await makeNamespace();
});
afterAll(() => removeNamespace(namespace));

const collection = (kind: Kind) => `/apis/${apiVersion}/namespaces/${namespace}/${kinds[kind].plural}`;
const create = (kind: Kind, name: string, spec: object = examples[kind]) =>
  ask('POST', `${collection(kind)}?fieldValidation=Strict`, { apiVersion, kind, metadata: { name }, spec });
const patch = (kind: Kind, name: string, change: object, subresource = '') =>
  ask('PATCH', `${collection(kind)}/${name}${subresource}?fieldValidation=Strict`, change, 'application/merge-patch+json');
const apply = (kind: Kind, name: string, spec: object) =>
  ask('PATCH', `${collection(kind)}/${name}?fieldManager=git`, { apiVersion, kind, metadata: { name }, spec }, 'application/apply-patch+yaml');
const messageOf = ({ body }: Answer) => (body as { message?: string }).message ?? 'fine';
const specOf = ({ body }: Answer) => (body as { spec: Record<string, unknown> }).spec;

describe.each(allKinds)('the CRD of %s', (kind) => {
  test('is established, and its schema is structural', async () => {
    const { body } = await ask('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kinds[kind].plural}.grue.dev`);
    const { status } = body as { status: { conditions: readonly { type: string; status: string }[] } };
    expect(Object.fromEntries(status.conditions.map(({ type, status: value }) => [type, value]))).toEqual({ NamesAccepted: 'True', Established: 'True' });
  });

  test('is explained by its short name', async () => {
    const { shortName, description } = kinds[kind];
    await expect
      .poll(() => kubectl('explain', shortName, '--api-version', apiVersion).catch(String), { timeout: 30_000 })
      .toContain(description.split(' ').slice(0, 5).join(' '));
  });

  test('allows a name of the longest length, and none beyond, with dots or capitals', async () => {
    const longest = kinds[kind].name.maxLength ?? 0;
    expect(longest).toBe(kind === 'Revision' ? 63 : 40);
    expect((await create(kind, 'a'.repeat(longest))).code).toBe(201);
    expect(messageOf(await create(kind, 'a'.repeat(longest + 1)))).toContain(`metadata.name must have at most ${longest} characters`);
    expect(messageOf(await create(kind, 'a.b'))).toContain('metadata.name must be lower case letters, digits and "-"');
  });

  test('keeps spec and status apart: each is written by its owner only', async () => {
    const { body } = await create(kind, 'apart');
    const { metadata } = body as { metadata: { generation: number } };
    expect(metadata.generation).toBe(1);
    const written = await patch(kind, 'apart', { status: { observedGeneration: 1 } }, '/status');
    expect(written.body).toMatchObject({ metadata: { generation: 1 }, status: { observedGeneration: 1 } });
    const ignored = await patch(kind, 'apart', { status: { observedGeneration: 7 } });
    expect(ignored.body).toMatchObject({ status: { observedGeneration: 1 } });
  });
});

test('fields are explained', async () => {
  await expect.poll(() => kubectl('explain', 'smig.spec.soak').catch(String), { timeout: 30_000 }).toContain('How long blue stays fed after the flip');
  await expect.poll(() => kubectl('explain', 'gstr.spec.schema.fields.type').catch(String)).toContain('TIMESTAMP_LTZ(p)');
});

describe('the columns that people see', () => {
  /** The table that kubectl prints, as rows of cells by column. */
  async function table(kind: Kind, wide = false): Promise<readonly Record<string, string>[]> {
    const lines = (await kubectl('get', kinds[kind].shortName, '-n', namespace, ...(wide ? ['-o', 'wide'] : []))).trimEnd().split('\n');
    const heads = [...(lines[0] ?? '').matchAll(/\S+\s*/g)];
    const cellsOf = (line: string) =>
      heads.map((head) => [head[0].trim(), line.slice(head.index, head.index + head[0].length + (head === heads.at(-1) ? 999 : 0)).trim()]);
    return lines.slice(1).map((line) => Object.fromEntries(cellsOf(line)));
  }

  test('kubectl get grev shows what it is, its role, state, lag, rate and target', async () => {
    await create('Revision', 'pipeline-delays-2');
    const status = { of: 'Pipeline/delays', role: 'green', state: 'Running', lag: '15,234', rate: '84k/s', target: 'group grue.flights.delays.2-m3v9ab' };
    await patch('Revision', 'pipeline-delays-2', { status }, '/status');
    const row = (await table('Revision')).find(({ NAME }) => NAME === 'pipeline-delays-2');
    expect(Object.keys(row ?? {})).toEqual(['NAME', 'OF', 'ROLE', 'STATE', 'LAG', 'RATE', 'TARGET', 'AGE']);
    expect(row).toMatchObject({ OF: status.of, ROLE: status.role, STATE: status.state, LAG: status.lag, RATE: status.rate, TARGET: status.target });
  });

  test('kubectl get smig tells the story of a migration', async () => {
    await create('StreamMigration', 'delays-in-hours');
    const time = '2026-11-21T11:00:00Z';
    const status = {
      phase: 'CatchingUp',
      message: '1 of 2 stages at the fence',
      attempt: 1,
      progress: { lag: '17,334', rate: '84k/s', eta: '12s', parity: '-', time },
    };
    await patch('StreamMigration', 'delays-in-hours', { status }, '/status');
    const named = ({ NAME }: Record<string, string>) => NAME === 'delays-in-hours';
    const row = (await table('StreamMigration')).find(named);
    expect(Object.keys(row ?? {})).toEqual(['NAME', 'STRATEGY', 'PHASE', 'LAG', 'PARITY', 'ETA', 'AGE', 'MESSAGE']);
    expect(row).toMatchObject({ STRATEGY: 'BlueGreen', PHASE: 'CatchingUp', LAG: '17,334', PARITY: '-', ETA: '12s', MESSAGE: '1 of 2 stages at the fence' });
    expect((await table('StreamMigration', true)).find(named)).toMatchObject({ RATE: '84k/s', ATTEMPT: '1' });
  });

  test.each(['Stream', 'Pipeline', 'Connection'] as const)('kubectl get shows the live and green Revision of a %s and what is pending', async (kind) => {
    await create(kind, 'columns');
    const condition = { status: 'False', message: 'm', lastTransitionTime: '2026-11-21T11:00:00Z' };
    const conditions = [
      { ...condition, type: 'Synced', reason: 'Pending' },
      { ...condition, type: 'Ready', reason: 'Starting' },
    ];
    await patch(kind, 'columns', { status: { live: 'x-columns-1', green: 'x-columns-2', conditions } }, '/status');
    const row = (await table(kind)).find(({ NAME }) => NAME === 'columns');
    expect(row).toMatchObject({ LIVE: 'x-columns-1', GREEN: 'x-columns-2', SYNCED: 'Pending', READY: 'False' });
  });

  test('kubectl get grue lists all kinds', async () => {
    await create('Platform', 'default');
    expect(await kubectl('get', 'grue', '-n', namespace, '-o', 'name')).toContain('platform.grue.dev/default');
  });
});

describe('what is decided stays', () => {
  test('a Revision is immutable, down to its free-form mappings', async () => {
    const { stream: _, ...others } = examples.Revision;
    const fields = [{ name: 'hours', type: 'DOUBLE' }];
    const reads = { stream: 'delays', revision: 'stream-delays-1', topic: 't', root: false, epoch: 0, type: 'Append', fields };
    const destination = { alias: 'delays', mappings: { properties: { hours: { type: 'double' } } } };
    const spec = { ...others, of: { kind: 'Connection', name: 'delays' }, connection: { connector: 'elasticsearch', destination, keepVersions: 1, reads } };
    expect(messageOf(await create('Revision', 'frozen', spec))).toBe('fine');
    for (const change of [
      { number: 2 },
      { inputs: ['x'] },
      { physical: { topic: null } },
      { connection: { destination: { alias: 'other' } } },
      { connection: { destination: { mappings: { properties: { hours: { type: 'float' } } } } } },
      { connection: { destination: { mappings: { dynamic: false } } } },
      { connection: { destination: { mappings: { properties: { hours: null } } } } },
      // Not seen by the API server: one key of the mappings in place of another. See the rule.
    ])
      expect(messageOf(await patch('Revision', 'frozen', { spec: change })), JSON.stringify(change)).toContain('a Revision is immutable');
    expect((await patch('Revision', 'frozen', { metadata: { labels: { 'grue.dev/role': 'live' } } })).code).toBe(200);
  });

  const other = {
    resources: [{ kind: 'Stream', name: 'delays' }],
    changes: [{ kind: 'Pipeline', name: 'delays', base: 'v1:0', set: { sql: 'other' } }],
    rebuild: true,
    allowRevert: true,
    strategy: 'BlueGreen',
    history: { from: 'Earliest' },
    gates: { parity: { tolerance: 7 } },
    progressDeadline: '11m',
    manual: ['Flip'],
    approvals: [{ step: 'Flip', plan: 'abc' }],
    onFailure: 'Abort',
    soak: '2h',
    paused: true,
    abort: true,
    rollback: true,
    retry: 1,
  } as const;
  /** Fields with one value only cannot be edited to another one. */
  const single = ['strategy', 'history'];

  test('every field of a migration is either steered by people or immutable, and says so by its name', async () => {
    expect(specOf(await create('StreamMigration', 'steered'))).toBeDefined();
    expect(Object.keys(other).sort()).toEqual(Object.keys(kinds.StreamMigration.spec.shape).sort());
    for (const [field, value] of Object.entries(other)) {
      if (single.includes(field)) continue;
      const answer = await patch('StreamMigration', 'steered', { spec: { [field]: value } });
      const mutable = (mutableMigrationFields as readonly string[]).includes(field);
      expect(messageOf(answer), field).toContain(mutable ? 'fine' : `${field} is immutable: make a new migration`);
    }
  });

  test('a field of a migration that was there cannot be taken away either', async () => {
    await create('StreamMigration', 'whole', { ...examples.StreamMigration, changes: other.changes });
    expect(messageOf(await patch('StreamMigration', 'whole', { spec: { changes: null } }))).toContain('changes is immutable: make a new migration');
    const deeper = [{ ...other.changes[0], set: { sql: 'yet another' } }];
    expect(messageOf(await patch('StreamMigration', 'whole', { spec: { changes: deeper } }))).toContain('changes is immutable: make a new migration');
  });
});

describe('server-side apply, as tools for Git do it', () => {
  const fields = (...names: readonly string[]) => ({ ...examples.Stream, schema: { fields: names.map((name) => ({ name, type: 'INT' })) } });
  const namesOf = (answer: Answer) => (specOf(answer)['schema'] as { fields: readonly { name: string }[] }).fields.map(({ name }) => name);

  test('fields of a schema keep the order of the file, also when it changes', async () => {
    expect(namesOf(await apply('Stream', 'ordered', fields('a', 'b', 'c')))).toEqual(['a', 'b', 'c']);
    expect(namesOf(await apply('Stream', 'ordered', fields('c', 'x', 'a')))).toEqual(['c', 'x', 'a']);
  });

  test('applying the same file again changes nothing: defaults are no drift', async () => {
    for (const kind of allKinds.filter((each) => each !== 'Revision')) {
      const first = await apply(kind, 'settled', examples[kind]);
      const second = await apply(kind, 'settled', examples[kind]);
      expect(second.body, kind).toEqual(first.body);
    }
  });
});
