import { defineConfig } from 'vitest/config';

// `unit` needs nothing but Node, `e2e` starts whole clusters of our own server from the built executable, `faults` kills,
// stops and cuts them off for a while, `simulation` runs whole clusters on simulated clock, network and disks (each run in a
// process of its own), `hosts` brings labs up on machines with systemd (root), `vm` on virtual ones of Vagrant (root), `interop` also needs the upstream binaries
// (ETCDLAB_UPSTREAM names their folder).
// A second, Vitest's own patience with what is polled for, is too short on a busy machine.
const expectation = { poll: { timeout: 10_000 } };
const shared = { testTimeout: 60_000, hookTimeout: 60_000, restoreMocks: true, expect: expectation };
// Whole clusters on a busy machine: a test that needs its second try is reported as one that did. Tests of what must
// never happen, such as a lost write, have no second try.
const processes = { ...shared, testTimeout: 120_000, retry: 1, globalSetup: ['test/support/build-once.ts'] };

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
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          maxConcurrency: 2,
        },
      },
      {
        test: {
          ...processes,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
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
          testTimeout: 180_000,
          name: 'hosts',
          globalSetup: ['test/support/build-once.ts', 'test/hosts/support/base-once.ts'],
          include: ['test/hosts/**/*.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'vm',
          globalSetup: ['test/support/build-once.ts'],
          include: ['test/vm/**/*.test.ts'],
        },
      },
      {
        test: {
          ...processes,
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
        },
      },
    ],
  },
});
