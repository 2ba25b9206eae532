import type { Simulation } from './simulation.ts';

/** Something that people do once, as soon as its time has come. */
export interface Beat {
  readonly says: string;
  readonly when: (sim: Simulation) => boolean;
  /** How long they take to think about it. */
  readonly afterSeconds?: number;
  readonly act: (sim: Simulation) => void;
}

/** What is there when a story begins. Stories that begin in the same way share it. */
export interface Setting {
  readonly prepare: (sim: Simulation) => void;
  /** Whether that has come to rest. */
  readonly begins: (sim: Simulation) => boolean;
}

/** What happens to a topology, told by what people do. What the operator makes of it is the same however often it is killed. */
export interface Scenario {
  readonly name: string;
  readonly says: string;
  readonly setting: Setting;
  /** In this order, each when its time has come. */
  readonly story: readonly Beat[];
  /** Whether it is over, as far as the stored objects tell. */
  readonly ends: (sim: Simulation) => boolean;
  /** Aliases that readers use all the time. */
  readonly readers: readonly string[];
  /** Records that others write while it goes on. */
  readonly records: readonly ProducedRecord[];
}

export interface ProducedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key?: string;
  /** Absent: a tombstone. */
  readonly value?: string;
}
