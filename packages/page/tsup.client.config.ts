import { defineConfig } from 'tsup';

/** What a browser loads: one script and one style, with all that they need. */
export default defineConfig({
  entry: { page: 'src/client/page.ts' },
  outDir: 'dist/client',
  publicDir: 'src/client/public',
  format: ['esm'],
  platform: 'browser',
  target: 'es2022',
  dts: false,
  sourcemap: false,
  minify: true,
  clean: false,
  splitting: false,
  treeshake: true,
  noExternal: [/./],
});
