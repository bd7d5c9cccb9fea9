import { defineConfig } from 'tsup';

/** What runs in the browser: one script that stands in the page as it is. */
export default defineConfig({
  entry: { client: 'src/client/main.ts' },
  format: ['iife'],
  platform: 'browser',
  target: 'es2022',
  dts: false,
  minify: true,
  clean: false,
  outExtension: () => ({ js: '.js' }),
});
