/** More than this share of a sizeable number of records is no accident: the SQL, the schema or the producer is wrong. */
const SHARE = 0.01;
const SIZEABLE = 1_000;
/** Beyond it the past counts half, so that the window follows what comes in now. */
const FULL = 20_000;

/** Tells a bad record now and then from a stream that does not fit. Belongs to one partition and outlives its restarts. */
export class BadWindow {
  #records = 0;
  #bad = 0;
  #excused = 0;

  /** Whether these may pass after those that passed before. Does not count them. */
  allows(records: number, bad: number): boolean {
    const all = this.#records + records;
    return bad === 0 || this.#excused > 0 || all < SIZEABLE || this.#bad + bad <= SHARE * all;
  }

  /** Counts records that passed. */
  passed(records: number, bad: number): void {
    if (this.#excused > 0) {
      this.#excused -= records;
      return;
    }
    this.#records += records;
    this.#bad += bad;
    if (this.#records < FULL) return;
    this.#records /= 2;
    this.#bad /= 2;
  }

  /** Somebody has looked at it and wants to go on: a window of records passes, however many of them are bad. */
  forgive(): void {
    this.#records = 0;
    this.#bad = 0;
    this.#excused = FULL;
  }
}
