import { systemClock } from '../../src/controller/clock.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Random } from './random.ts';

export interface StormOptions {
  readonly fleet: Fleet;
  readonly random: Random;
  /** So many processes are to be killed within the time, at least. */
  readonly kills: number;
  readonly seconds: number;
  /** Resolves when a migration enters a phase: half of the strikes are aimed at such moments. */
  readonly nextPhase: () => Promise<void>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What was done to the processes so far. */
export interface Damage {
  readonly kills: number;
  readonly killsOf: Readonly<Record<'operator' | 'worker', number>>;
  /** Of the operators, those that held the lease. */
  readonly leaders: number;
  readonly pauses: number;
}

export interface Storm {
  damage(): Damage;
  /** Resolves when the time is over. @throws Error when the storm itself fails */
  readonly over: Promise<void>;
}

type Strike = 'Leader' | 'StandBy' | 'Worker' | 'AllOperators' | 'AllWorkers' | 'PauseLeader' | 'PauseWorker';

/**
 * How often each strike comes, relative to the others. A leader that dies is followed after 15 s at the earliest, and a worker's partitions lie
 * idle as long: struck more often than this, migrations would hardly move, and little would be shown about what they do.
 */
const strikes: Readonly<Record<Strike, number>> = { Leader: 14, StandBy: 22, Worker: 49, AllOperators: 3, AllWorkers: 4, PauseLeader: 4, PauseWorker: 4 };

/** The longest that a strike waits for a phase, in milliseconds. */
const aimPatience = 12_000;

/** Kills and pauses processes at moments that nobody can foresee, and has all of them running again when it is over. */
export function startStorm({ fleet, random, kills, seconds, nextPhase, say, signal }: StormOptions): Storm {
  const killsOf = { operator: 0, worker: 0 };
  const sums = { leaders: 0, pauses: 0 };
  const all = (): number => killsOf.operator + killsOf.worker;
  const began = performance.now();
  const left = (): number => seconds * 1_000 - (performance.now() - began);

  async function kill(member: Member, how: string): Promise<void> {
    if (!(await fleet.kill(member, random.between(200, 4_000)))) return;
    killsOf[member.command] += 1;
    say(`killed ${member.name}${how}`);
  }

  function pause(member: Member, how: string): void {
    const milliseconds = random.between(2_000, 22_000);
    sums.pauses += 1;
    fleet.pause(member, milliseconds);
    say(`${member.name}${how} stands still for ${(milliseconds / 1_000).toFixed(0)} s`);
  }

  async function strike(what: Strike): Promise<void> {
    const leader = await fleet.leader();
    const candidates =
      what === 'Worker' || what === 'PauseWorker' ? fleet.ready('worker') : fleet.ready('operator').filter(({ name }) => name !== leader?.name);
    const aimsAtLeader = what === 'Leader' || what === 'PauseLeader';
    const one = aimsAtLeader ? leader : candidates.length > 0 ? random.pick(candidates) : undefined;
    const how = aimsAtLeader ? ', the leader' : '';
    switch (what) {
      case 'Leader':
      case 'StandBy':
      case 'Worker':
        if (!one) return;
        if (aimsAtLeader) sums.leaders += 1;
        return kill(one, how);
      case 'AllOperators':
      case 'AllWorkers': {
        const command = what === 'AllOperators' ? 'operator' : 'worker';
        await Promise.all(fleet.members.filter((member) => member.command === command).map((member) => kill(member, ', all at once')));
        return;
      }
      case 'PauseLeader':
      case 'PauseWorker':
        if (one) pause(one, how);
    }
  }

  async function run(): Promise<void> {
    while (left() > 0) {
      // what is still to be killed, spread over the time that is left
      const mean = left() / Math.max(1, kills - all());
      const gap = Math.min(mean, 20_000) * random.between(0.2, 1.6);
      const aimed = random.next() < 0.5;
      await systemClock.sleep(aimed ? gap / 2 : gap, signal);
      if (aimed) {
        await Promise.race([nextPhase(), systemClock.sleep(Math.min(aimPatience, gap), signal)]);
        await systemClock.sleep(random.between(0, 400), signal);
      }
      if (left() > 0) await strike(weighted(random));
    }
    await fleet.whole();
    say('the storm is over, all processes run again');
  }

  return { damage: () => ({ kills: all(), killsOf: { ...killsOf }, ...sums }), over: run() };
}

function weighted(random: Random): Strike {
  const entries = Object.entries(strikes) as readonly (readonly [Strike, number])[];
  let at = random.between(
    0,
    entries.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [strike, weight] of entries) {
    at -= weight;
    if (at < 0) return strike;
  }
  return 'Worker';
}
