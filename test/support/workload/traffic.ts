/** Something that goes on in the background of a test. */
export interface Traffic {
  /** Resolves when nothing is under way any more. @throws what it met */
  pause(): Promise<void>;
  resume(): void;
}

/** Repeats the work, one after the other, with a pause in between, until it is paused. */
export function keepOn(pauseMilliseconds: number, work: () => Promise<void>): Traffic {
  let going = false;
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    while (going) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    }
  };
  const resume = (): void => {
    if (going) return;
    going = true;
    running = run();
    running.catch(() => {}); // told by pause
  };
  resume();
  return {
    async pause() {
      going = false;
      await running;
    },
    resume,
  };
}
