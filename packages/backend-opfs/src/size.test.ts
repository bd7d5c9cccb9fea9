import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** What the README says, in bytes. */
const SIZES: readonly (readonly [use: string, contents: string, bytesMax: number])[] = [
  ['in a worker', `export { connectOpfs, createOpfs } from './index.js'`, 8_000],
  ['in a page', `export { overWorker } from './index.js'`, 7_000],
  ["in a page's worker", `import './worker.js'`, 5_500],
];

test.each(SIZES)('%s it is no larger than its page says, and needs nothing of Node', async (_, contents, bytesMax) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  const bytes = gzipSync(outputFiles[0]?.contents ?? '').byteLength;
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(bytesMax);
});
