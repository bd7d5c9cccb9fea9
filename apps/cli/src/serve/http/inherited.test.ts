import { fstatSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { expect, test } from 'vitest';
import { InheritedHttpSockets } from './inherited.js';

const at = (port: number, host = '127.0.0.1') => ({ host, port });
const open = () => openSync(devNull, 'r');

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

test('a socket goes to what listens at its address, whatever that is, and what no one wants is closed', () => {
  const sockets = [
    { name: 'metrics', address: at(9464), fd: open() },
    { name: 'http', address: at(8080), fd: open() },
    { name: 'page', address: at(8081), fd: open() },
  ] as const;
  const kept = new InheritedHttpSockets(sockets, { metrics: at(9464, '0.0.0.0'), page: at(8080), http: at(8082) });
  expect(kept.fd('page', at(8080))).toBe(sockets[1].fd);
  expect(kept.fd('http', at(8082))).toBeUndefined();
  expect(kept.fd('metrics', at(9464, '0.0.0.0'))).toBeUndefined();
  expect(sockets.map(({ fd }) => isOpen(fd))).toEqual([false, true, false]);
});

test('what is in the way of an address may be what the process before leaves, and not what it hands over', () => {
  const sockets = [
    { name: 'http', address: at(8080), fd: open() },
    { name: 'page', address: at(8081), fd: open() },
  ] as const;
  const kept = new InheritedHttpSockets(sockets, { http: at(8080), page: at(8081, '0.0.0.0') });
  const mayBeLeft = (port: number) => kept.mayBeLeft(at(port, '0.0.0.0'));
  expect([8080, 8081, 8082].map(mayBeLeft)).toEqual([false, true, false]);
  const anyPort = new InheritedHttpSockets([{ name: 'http', address: at(0), fd: open() }], {});
  expect(anyPort.mayBeLeft(at(8080))).toBe(true);
  expect(new InheritedHttpSockets(undefined, {}).mayBeLeft(at(8080))).toBe(true);
});

test('of addresses that are any free port, each option goes on with its own', () => {
  const [http, page] = [open(), open()];
  const sockets = [
    { name: 'http', address: at(0), fd: http },
    { name: 'page', address: at(0), fd: page },
  ] as const;
  const kept = new InheritedHttpSockets(sockets, { page: at(0), metrics: at(0) });
  expect(kept.fd('page', at(0))).toBe(page);
  expect(kept.fd('metrics', at(0))).toBeUndefined();
  expect([http, page].map(isOpen)).toEqual([false, true]);
});
