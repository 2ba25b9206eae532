import type { Cancel, Clock } from '../../src/controller/clock.ts';
import { sleepWith } from '../../src/controller/clock.ts';

/** A new one each time: one for all would remember everybody who waits for it. */
const never = (): Promise<never> => new Promise(() => {});

/** A simulated operating system process: it can be killed between any two calls, and stand still for a while. */
export interface Process {
  readonly name: string;
  readonly dead: boolean;
  /** The time as this process sees it: nothing that it has scheduled happens after its death, or while it stands still. */
  readonly clock: Clock;
  /** Aborts at its death: for what the world does on its behalf, such as a watch. */
  readonly death: AbortSignal;
  /** At once; whatever it awaits never goes on. */
  kill(): void;
  /** Stands still, as after SIGSTOP: what it has sent is on its way, and time goes on without it. */
  pause(milliseconds: number): void;
  /** Resolves when the process may go on: at once, after a pause, or never. Around every call, because only there can it be stopped. */
  goOn(): Promise<void>;
}

export function startProcess(name: string, world: Clock, onDeath: () => void): Process {
  const death = new AbortController();
  /** Set while it stands still. */
  let awake: Promise<void> | undefined;

  const schedule = (milliseconds: number, run: () => void): Cancel => {
    let cancelled = false;
    const fire = async (): Promise<void> => {
      // or every timer of a long run would leave a listener behind, and each new one look through all of them
      death.signal.removeEventListener('abort', stop);
      if (awake !== undefined) await awake;
      if (!cancelled && !death.signal.aborted) run();
    };
    const cancel = world.schedule(milliseconds, () => void fire());
    const stop = (): void => {
      cancelled = true;
      cancel();
      death.signal.removeEventListener('abort', stop);
    };
    death.signal.addEventListener('abort', stop, { once: true });
    return stop;
  };

  return {
    name,
    get dead() {
      return death.signal.aborted;
    },
    clock: {
      now: world.now,
      monotonic: world.monotonic,
      schedule,
      sleep: (milliseconds, signal) => sleepWith(schedule, milliseconds, signal),
    },
    death: death.signal,
    kill() {
      if (death.signal.aborted) return;
      death.abort(new Error(`${name} was killed`));
      onDeath();
    },
    pause(milliseconds) {
      awake = new Promise((resolve) => {
        world.schedule(milliseconds, () => {
          awake = undefined;
          resolve();
        });
      });
    },
    async goOn() {
      if (awake !== undefined) await awake;
      if (death.signal.aborted) await never();
    },
  };
}
