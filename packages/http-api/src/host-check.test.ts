import { expect, test } from 'vitest';
import { checkHost } from './host-check.js';

const isTaken = (host: string | undefined, own = 'web-1.lan') => {
  try {
    checkHost(own)({ headers: host === undefined ? {} : { host } });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'FORBIDDEN' });
    return false;
  }
};

test.each([
  '127.0.0.1:9464',
  '10.1.2.3',
  '[::1]:9464',
  '[fe80::1]',
  'localhost:80',
  'LocalHost',
  'web-1.lan:9464',
  'WEB-1.lan',
])('a request to %s is answered', (host) => {
  expect(isTaken(host)).toBe(true);
});

test.each([
  undefined,
  '',
  'evil.example:9464',
  'web-1.lan.evil.example',
  'localhost.evil.example',
  'evil.example@127.0.0.1',
  '127.0.0.1.evil.example',
  '127.0.0.1:9464:1',
  '[::1',
])('a request to %j is refused', (host) => {
  expect(isTaken(host)).toBe(false);
});
