import { defineConfig } from 'vitest/config';

/** Tests on real servers, which the stack provides; everything else runs without any. */
const CLUSTER = ['test/cluster/real/**/*.test.ts'];
const REAL = ['test/integration/**/*.test.ts', 'test/contract/real/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...REAL, ...CLUSTER],
          // some start light processes, which take their time on a machine that is busy
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: REAL,
          globalSetup: 'test/stack/vitest-setup.ts',
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // the servers have the machine to share: more at once only makes each test slower and its times less sure
          maxWorkers: 2,
        },
      },
      {
        // each brings up a cluster with pods, and may need root: not part of `npm test`, but of what precedes `npm run e2e`
        test: { name: 'cluster', include: CLUSTER, testTimeout: 180_000, hookTimeout: 1_200_000, fileParallelism: false },
      },
    ],
  },
});
