import { inspect } from 'node:util';
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
