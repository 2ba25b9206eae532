import type { Clock } from '../../../../src/controller/clock.ts';
import type { GroupFacts, Offset } from '../../../../src/drivers/ports.ts';
import { partitionKey, type TopicPartition } from '../../../../src/worker/ports.ts';

/** Called when a rebalance is over, with what is the member's from now on. */
export type Assigned = (partitions: readonly TopicPartition[], generation: number) => void;

/** A member of a group. */
export interface Member {
  /** Keeps the session alive, and joins a rebalance that is under way. @returns false when the group went on without it */
  heartbeat(): boolean;
  /** @throws Error when the group went on without this member, or into another generation */
  commit(where: TopicPartition, position: Offset, generation: number): void;
  leave(): void;
}

interface Seat {
  readonly id: number;
  readonly topics: readonly string[];
  readonly sessionMilliseconds: number;
  readonly assigned: Assigned;
  heardAt: number;
  /** Whether it takes part in the rebalance that is under way. */
  joined: boolean;
}

interface Position {
  readonly where: TopicPartition;
  readonly position: Offset;
}

interface Group {
  readonly seats: Map<number, Seat>;
  readonly positions: Map<string, Position>;
  generation: number;
  rebalancing: boolean;
}

/** Positions of groups, as on disk. */
export type StoredGroups = readonly { readonly name: string; readonly positions: readonly Position[] }[];

export interface GroupsParts {
  readonly clock: Pick<Clock, 'monotonic' | 'schedule'>;
  readonly partitionsOf: (topic: string) => number;
  /** While the brokers are down, no session ends. */
  readonly down: () => boolean;
  readonly note: (happened: string) => void;
}

/** The coordinator of all groups of a cluster: generations, sessions and positions as Kafka's classic protocol has them. */
export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #parts: GroupsParts;
  #members = 0;

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  facts(name: string): GroupFacts {
    const group = this.#groups.get(name);
    if (group === undefined) return { state: 'Absent', members: 0 };
    return { state: group.seats.size > 0 ? 'Active' : 'Empty', members: group.seats.size };
  }

  names(): readonly string[] {
    return [...this.#groups.keys()];
  }

  positions(name: string): readonly Position[] {
    return [...(this.#groups.get(name)?.positions.values() ?? [])];
  }

  position(name: string, where: TopicPartition): Offset | undefined {
    return this.#groups.get(name)?.positions.get(partitionKey(where))?.position;
  }

  /** As an administrator does, or whoever makes a group by committing for it. */
  setPosition(name: string, where: TopicPartition, position: Offset | undefined): void {
    if (position === undefined) this.#groups.get(name)?.positions.delete(partitionKey(where));
    else this.#ensure(name).positions.set(partitionKey(where), { where, position });
  }

  delete(name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    group.seats.clear();
    this.#groups.delete(name);
    this.#parts.note(`deleted group ${name}`);
  }

  /** A topic is gone, and every position in it. */
  forgetTopic(topic: string): void {
    for (const { positions } of this.#groups.values()) {
      for (const [key, { where }] of positions) if (where.topic === topic) positions.delete(key);
    }
  }

  /** All members are out at once. */
  expel(name: string): void {
    this.#groups.get(name)?.seats.clear();
  }

  join(name: string, topics: readonly string[], sessionMilliseconds: number, assigned: Assigned): Member {
    const group = this.#ensure(name);
    const seat: Seat = { id: this.#members++, topics, sessionMilliseconds, assigned, heardAt: this.#parts.clock.monotonic(), joined: true };
    group.seats.set(seat.id, seat);
    this.#rebalance(group, seat);
    this.#watch(group, seat, sessionMilliseconds);
    const isIn = (): boolean => group.seats.get(seat.id) === seat;
    return {
      heartbeat: () => {
        if (!isIn()) return false;
        seat.heardAt = this.#parts.clock.monotonic();
        if (group.rebalancing && !seat.joined) {
          seat.joined = true;
          this.#complete(group);
        }
        return true;
      },
      commit: (where, position, generation) => {
        if (!isIn()) throw new Error(`UNKNOWN_MEMBER_ID: the group ${name} went on without this member`);
        if (generation !== group.generation) throw new Error(`ILLEGAL_GENERATION: the group ${name} is in generation ${group.generation}, not ${generation}`);
        if (where.partition >= this.#parts.partitionsOf(where.topic)) throw new Error(`UNKNOWN_TOPIC_OR_PARTITION: ${partitionKey(where)}`);
        group.positions.set(partitionKey(where), { where, position });
      },
      leave: () => this.#remove(group, seat),
    };
  }

  copy(): StoredGroups {
    return this.names().map((name) => ({ name, positions: this.positions(name) }));
  }

  restore(groups: StoredGroups): void {
    for (const name of this.names()) this.expel(name);
    this.#groups.clear();
    for (const { name, positions } of groups)
      this.#groups.set(name, { ...emptyGroup(), positions: new Map(positions.map((one) => [partitionKey(one.where), one])) });
  }

  #ensure(name: string): Group {
    const found = this.#groups.get(name);
    if (found) return found;
    const group = emptyGroup();
    this.#groups.set(name, group);
    this.#parts.note(`created group ${name}`);
    return group;
  }

  #remove(group: Group, seat: Seat): void {
    if (group.seats.get(seat.id) !== seat) return;
    group.seats.delete(seat.id);
    this.#rebalance(group);
  }

  /** Looks again when the session would be over, until it is. */
  #watch(group: Group, seat: Seat, milliseconds: number): void {
    const { clock, down } = this.#parts;
    clock.schedule(milliseconds, () => {
      if (group.seats.get(seat.id) !== seat) return;
      if (down()) seat.heardAt = clock.monotonic();
      const left = seat.heardAt + seat.sessionMilliseconds - clock.monotonic();
      if (left > 0) this.#watch(group, seat, left);
      else this.#remove(group, seat);
    });
  }

  /** Everybody has to join anew, which they hear as the answer to their next heartbeat. One that is silent holds the others up until its session ends. */
  #rebalance(group: Group, joining?: Seat): void {
    // who has joined a rebalance that is under way need not join it twice
    if (!group.rebalancing) for (const seat of group.seats.values()) seat.joined = seat === joining;
    group.rebalancing = true;
    this.#complete(group);
  }

  #complete(group: Group): void {
    queueMicrotask(() => {
      const seats = [...group.seats.values()];
      if (!group.rebalancing || seats.some(({ joined }) => !joined)) return;
      group.rebalancing = false;
      group.generation += 1;
      const shares = this.#share(seats);
      for (const { id, assigned } of seats) assigned(shares.get(id) ?? [], group.generation);
    });
  }

  /** Round robin over the partitions of all topics. */
  #share(seats: readonly Seat[]): ReadonlyMap<number, readonly TopicPartition[]> {
    const topics = [...new Set(seats.flatMap(({ topics }) => topics))].sort();
    const partitions = topics.flatMap((topic) => Array.from({ length: this.#parts.partitionsOf(topic) }, (_, partition) => ({ topic, partition })));
    const shares = new Map<number, TopicPartition[]>(seats.map(({ id }) => [id, []]));
    for (const [n, where] of partitions.entries()) {
      const readers = seats.filter(({ topics }) => topics.includes(where.topic));
      const reader = readers[n % readers.length];
      if (reader) shares.get(reader.id)?.push(where);
    }
    return shares;
  }
}

const emptyGroup = (): Group => ({ seats: new Map(), positions: new Map(), generation: 0, rebalancing: false });
