import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { formatUri, parseUri } from './uri.js';

describe('parseUri', () => {
  test.each([
    ['nbd://example.com', { address: { host: 'example.com', port: 10_809 }, exportName: '', tls: false }],
    ['nbd://example.com:99/a/b', { address: { host: 'example.com', port: 99 }, exportName: 'a/b', tls: false }],
    ['nbds://[::1]/%C3%BC%20x', { address: { host: '::1', port: 10_809 }, exportName: 'ü x', tls: true }],
    ['nbd:///x', { address: { host: 'localhost', port: 10_809 }, exportName: 'x', tls: false }],
    ['nbd+unix:///?socket=/run/s', { address: { path: '/run/s' }, exportName: '', tls: false }],
    ['nbds+unix:///e?socket=%2Fa%20b', { address: { path: '/a b' }, exportName: 'e', tls: true }],
    ['nbd://h//x', { address: { host: 'h', port: 10_809 }, exportName: '/x', tls: false }],
    [
      'nbds://alice@h/e?tls-psk-file=/k&tls-hostname=n',
      { address: { host: 'h', port: 10_809 }, exportName: 'e', tls: true, user: 'alice', pskFile: '/k', hostname: 'n' },
    ],
    ['nbds+unix://bob@/e?socket=/s', { address: { path: '/s' }, exportName: 'e', tls: true, user: 'bob' }],
    [
      'nbds://h/e?tls-certificates=/pki',
      { address: { host: 'h', port: 10_809 }, exportName: 'e', tls: true, certificates: '/pki' },
    ],
  ])('%s', (text, expected) => {
    assert.deepEqual(parseUri(text), expected);
  });

  test.each([
    'no uri',
    'http://example.com',
    'nbd+unix:///x',
    'nbd+unix://host/x?socket=/s',
    'nbd://h/x?socket=/s',
    'nbd://h/%zz',
    'nbd://h/x?tls-nonsense=1',
    'nbd+unix:///x?socket=/a&socket=/b',
    'nbd://h:0/x',
    'nbd://h:65536/x',
    'constructor://h/x',
    'nbd+ssh://h/x',
  ])('refuses %s', (text) => {
    assert.throws(
      () => parseUri(text),
      (error) => isBlockError(error, 'INVALID_ARGUMENT'),
    );
  });

  test('gives back what formatUri was given', () => {
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('..', 'a/../b', './x', '?#&=%', '//'));
    const unix = fc.string({ minLength: 1, unit: 'binary' }).map((path) => ({ path }));
    const tcp = fc.record(
      {
        host: fc.oneof(fc.domain(), fc.ipV4(), fc.constant('::1')),
        port: fc.integer({ min: 1, max: 65_535 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.oneof(unix, tcp), name, fc.boolean(), (address, exportName, tls) => {
        const parsed = parseUri(formatUri(address, exportName, tls));
        assert.deepEqual(parsed, { address, exportName, tls });
      }),
    );
  });
});
