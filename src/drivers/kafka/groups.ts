import { consumerGroupDescribeV0, deleteGroupsV2, describeGroupsV5, findCoordinatorV4 } from '@platformatic/kafka';
import type { GroupFacts } from '../ports.ts';
import type { BrokerAddress } from './connection.ts';
import { accept, errorName } from './errors.ts';
import type { Attempt, Wire } from './wire.ts';

const GROUP_KEY = 0;

/** The broker that keeps the positions of a group. Asked anew each time: it costs a millisecond, and groups come and go. */
export async function coordinator(attempt: Attempt, group: string): Promise<BrokerAddress> {
  const [found] = (await attempt.ask('any', findCoordinatorV4.api, GROUP_KEY, [group])).coordinators;
  accept(found!, `the coordinator of group ${group}`);
  return { host: found!.host, port: found!.port };
}

export function describeGroup(wire: Wire, name: string, signal: AbortSignal): Promise<GroupFacts> {
  return wire.persist(signal, async (attempt) => {
    const at = await coordinator(attempt, name);
    const [classic] = (await attempt.ask(at, describeGroupsV5.api, [name], false)).groups;
    accept(classic!, `group ${name}`);
    if (classic!.groupState !== 'Dead') return facts(classic!.members.length, classic!.groupState);
    // to this request a group of the newer protocol is as dead as one that does not exist
    if (!attempt.offers(consumerGroupDescribeV0.api)) return ABSENT;
    const [consumer] = (await attempt.ask(at, consumerGroupDescribeV0.api, [name], false)).groups;
    if (errorName(consumer!.errorCode) === 'GROUP_ID_NOT_FOUND') return ABSENT;
    accept(consumer!, `group ${name}`);
    return facts(consumer!.members.length, consumer!.groupState);
  });
}

const ABSENT: GroupFacts = { state: 'Absent', members: 0 };

/** A group that is about to take in its first member counts no members yet and is in use all the same. */
const facts = (members: number, state: string): GroupFacts => ({ state: members > 0 || !['Empty', 'Dead'].includes(state) ? 'Active' : 'Empty', members });

export function deleteGroup(wire: Wire, name: string, signal: AbortSignal): Promise<'Deleted' | 'Absent' | 'Active'> {
  return wire.persist(signal, async (attempt) => {
    const [result] = (await attempt.command(await coordinator(attempt, name), deleteGroupsV2.api, [name])).results;
    const error = errorName(result!.errorCode);
    if (error === 'GROUP_ID_NOT_FOUND') return 'Absent';
    if (error === 'NON_EMPTY_GROUP') return 'Active';
    accept(result!, `group ${name}`);
    return 'Deleted';
  });
}
