import { defineConfig } from 'tsup';

/** One way of building for every package; declarations come from `tsc` (see each `build` script). */
export default (entry: string[] = ['src/index.ts'], platform: 'neutral' | 'node' = 'node') =>
  defineConfig({
    entry,
    format: ['esm'],
    platform,
    target: 'node20',
    dts: false,
    sourcemap: true,
    clean: true,
    splitting: true,
    treeshake: true,
    // Optional dependencies would be bundled, and native ones cannot be.
    skipNodeModulesBundle: true,
  });
