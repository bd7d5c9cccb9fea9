import { inspect } from 'node:util';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('an error prints under its name where it was bundled, too', async () => {
  const contents = `export { BlockError } from './src/index.ts';`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL('..', import.meta.url).pathname },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const bundled = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`);
  expect(inspect(new bundled.BlockError('IO', 'oops'))).toMatch(/^BlockError: oops\n/);
  expect(inspect(bundled.BlockError.from(new Error('why'), { operation: 'read' }))).toMatch(/^BlockError: read: why\n/);
});
