import type { Gate } from './gate.ts';

/** Green processed every record that blue could process. */
export const noNewDeadLetters: Gate = {
  name: 'DeadLetters',
  judge: ({ newDeadLetters: { count, examples } }) => ({
    outcome: count === 0 ? 'Pass' : 'Fail',
    observed: count === 0 ? 'no record that only green refuses' : `${count} records that only green refuses, such as ${examples.join(', ')}`,
    bound: 'none',
  }),
};
