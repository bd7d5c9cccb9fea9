import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { UsageError } from '../terminal/failure.js';
import { controlPathOf } from './control.js';
import { serverAddress } from './server-address.js';

const local = { socketPath: controlPathOf({ host: '127.0.0.1', port: 10809 }) };
const path = { socketPath: resolve('/run/a.sock.control') };

test.each([
  [undefined, local],
  ['10809', local],
  ['127.0.0.1:10809', local],
  ['nbd://127.0.0.1/disk', local],
  ['/run/a.sock', path],
  ['unix:/run/a.sock', path],
  ['/run/a.sock.control', path],
  ['nbd+unix:///disk?socket=/run/a.sock', path],
  ['a.sock', { socketPath: resolve('a.sock.control') }],
  ['http://127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
  ['http://[::1]:8080/', { host: '::1', port: 8080 }],
])('%s names a server', (text, address) => {
  expect(serverAddress(text)).toEqual(address);
});

test.each(['a:b:c', 'http://u@h:1', 'http://h:1/v1/status', '1:99999'])('%s names none', (text) => {
  expect(() => serverAddress(text)).toThrow(UsageError);
});
