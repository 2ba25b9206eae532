import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionBecomes, conditionOf } from '../bad-input/conditions.ts';
import { becomes, openTopology, type Topology } from './topology.ts';

describe('logical resources that are deleted while they are live', () => {
  let topology: Topology;
  beforeAll(async () => {
    topology = await openTopology('released');
    await topology.apply(1);
    await topology.shows(1);
  });
  afterAll(() => topology?.[Symbol.asyncDispose]());

  const live = ['connection-priced-1', 'pipeline-priced-1', 'stream-priced-1'] as const;
  const released = async (yes: boolean) => {
    for (const name of live)
      await becomes(
        `${name} to be ${yes ? '' : 'no longer '}Released`,
        () => conditionOf(topology.scene, 'Revision', name, 'Released'),
        (found) => (found?.status === 'True') === yes,
      );
  };
  const names = async () => (await topology.scene.revisions()).map(({ metadata }) => metadata.name).sort();

  test('go on running and being served, and their Revisions say so', async () => {
    await topology.remove();
    await released(true);
    await topology.produce(50);
    await topology.shows(1);
    expect((await conditionOf(topology.scene, 'Revision', live[1], 'Released'))?.message).toContain('Pipeline/priced was deleted');
    expect((await topology.scene.revisions()).filter(({ status }) => status?.role !== 'live')).toEqual([]);
  });

  test('are adopted again under the same name: in sync at once, and nothing is made beside them', async () => {
    const before = await names();
    await topology.apply(1);
    await conditionBecomes(topology.scene, 'Pipeline', 'priced', 'Synced', 'True');
    await released(false);
    expect(await names()).toEqual(before);
    await topology.produce(10);
    await topology.shows(1);
  });

  test('with another definition they are adopted as an edit, which is pending until a migration', async () => {
    const before = await names();
    await topology.remove();
    await released(true);
    await topology.apply(2);
    expect((await conditionBecomes(topology.scene, 'Pipeline', 'priced', 'Synced', 'False')).reason).toBe('Pending');
    expect(await names()).toEqual(before);
    await topology.shows(1);
    await topology.apply(1);
    await conditionBecomes(topology.scene, 'Pipeline', 'priced', 'Synced', 'True');
  });

  test('with reclaimPolicy Delete a sink is removed with its index, alias and group, and what is above it goes on', async () => {
    await topology.apply(1, { reclaimPolicy: 'Delete', reclaimAfter: '3s' });
    await becomes(
      'the policy to be remembered',
      () => topology.scene.revisions(),
      (all) => all.filter(({ status }) => status?.reclaimAfter === '3s').length === 3,
    );
    await topology.remove('Connection/priced');
    await becomes('the sink to be removed', names, (all) => !all.includes('connection-priced-1'));
    const { indices, groups, topics } = await topology.physical();
    expect(indices).toEqual([]);
    expect(groups).toEqual([expect.stringContaining('.priced.1-')]);
    expect(topics).toHaveLength(2);
    expect(await topology.scene.search(`_alias/${topology.alias}`)).toMatchObject({ status: 404 });
    await topology.produce(10);
    await topology.apply(1, { reclaimPolicy: 'Delete', reclaimAfter: '3s' });
    await topology.shows(1);
  });

  test('a stream that is read stays, although its time has come, and says who reads it', async () => {
    await topology.remove('Stream/priced');
    const { message } = await conditionBecomes(topology.scene, 'Revision', 'stream-priced-1', 'Released', 'True', 'nothing reads it');
    expect(message).toContain('connection-priced-');
    await topology.produce(10);
    await topology.shows(1);
  });

  test('all of it is removed in the end from the sink up, and each call stands in the audit log', async () => {
    await topology.remove();
    await becomes(
      'nothing to be left on the servers',
      topology.physical,
      ({ topics, groups, indices }) => topics.length + groups.length + indices.length === 0,
    );
    expect(await names()).toEqual(['stream-orders-1']);
    const lines = await topology.audit();
    const of = (verb: string) => lines.filter(({ audit }) => audit === verb);
    expect([of('DeleteIndex').length, of('DeleteGroup').length, of('DeleteTopic').length]).toEqual([2, 3, 4]);
    for (const line of lines) {
      expect(line).toMatchObject({ result: 'Deleted', why: expect.stringContaining('reclaimPolicy Delete'), who: expect.stringContaining('grue-operator') });
      expect(line['identity']).toEqual(expect.stringMatching(/./));
    }
  });
});
