import { inspect } from 'node:util';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { BlockError } from './index.js';

test('an error prints under its name, with what is known of its place alone', () => {
  const text = inspect(new BlockError('IO', 'oops', { device: 'disk', cause: new Error('why') }));
  expect(text).toMatch(/^BlockError: oops\n/);
  expect(text).toContain("device: 'disk'");
  expect(text).not.toContain('undefined');
  const bare = new BlockError('TIMEOUT', 'late');
  expect(Object.keys(bare).sort()).toEqual(['code', 'name', 'retryable']);
  expect([bare.operation, bare.device, bare.start, bare.count]).toEqual([undefined, undefined, undefined, undefined]);
});

test('also where it was bundled', async () => {
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
