import { defineConfig } from 'vitest/config';

// `unit` needs nothing but Node, `e2e` starts whole clusters of our own server from the built executable, `faults` kills,
// stops and cuts them off for a while, `interop` also needs the upstream binaries (ETCDLAB_UPSTREAM names their folder).
const shared = { testTimeout: 60_000, hookTimeout: 60_000, restoreMocks: true };

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['{server,toolkit,pki,drills,scripts,bench}/**/*.test.ts', 'test/unit/**/*.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          globalSetup: ['test/support/build-once.ts'],
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          globalSetup: ['test/support/build-once.ts'],
          include: ['test/faults/**/*.test.ts'],
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: 'interop',
          globalSetup: ['test/support/build-once.ts'],
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
