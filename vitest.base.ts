import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * One way of testing for every package. The test files of a package share a process, with all that it has loaded: to begin
 * afresh took many of them longer than their tests. A package whose tests put modules in the place of others (`vi.mock`) asks
 * for `isolate`.
 */
export default (test: ViteUserConfig['test'] = {}) =>
  defineConfig({
    test: {
      include: ['src/**/*.test.ts'],
      testTimeout: 240_000,
      hookTimeout: 240_000,
      isolate: false,
      ...test,
    },
  });
