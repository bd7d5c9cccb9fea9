import type { BlockErrorCode } from '@blockyard/block';
import { InvalidArgumentError } from 'commander';

export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** Where a server listens that was not told where. */
export const LISTEN_DEFAULT = '127.0.0.1:10809';

const PORT_MAX = 65_535;

/** What most often helps where it cannot listen. */
export const LISTEN_HINTS: Readonly<Partial<Record<BlockErrorCode, string>>> = {
  ALREADY_EXISTS: 'choose another address, or end or remove what is there',
  ACCESS_DENIED: 'an address must be one of this machine, or a path in a folder that is there, and yours to use',
  IO: 'an address must be one of this machine, or a path in a folder that is there, and yours to use',
};

/** `unix:PATH`, `HOST:PORT` or `[IPv6]:PORT`. Throws commander's error for a wrong argument. */
export function parseListen(text: string): ListenAddress {
  const [, path] = /^unix:(.+)$/s.exec(text) ?? [];
  if (path !== undefined) return { path };
  const [, address, name, port] = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]/\s]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = address ?? name;
  if (host === undefined || Number(port) > PORT_MAX) {
    throw new InvalidArgumentError('It must be unix:PATH or HOST:PORT, such as 127.0.0.1:10809.');
  }
  return { host, port: Number(port) };
}

/** `HOST:PORT`, `[IPv6]:PORT`, or a port of 127.0.0.1. Throws commander's error for a wrong argument. */
export function parseHttpListen(text: string): { readonly host: string; readonly port: number } {
  const address = parseListen(/^:?\d+$/.test(text) ? `127.0.0.1:${text.replace(':', '')}` : text);
  if ('host' in address) return address;
  throw new InvalidArgumentError('It must be HOST:PORT, or a port of 127.0.0.1, such as 9464.');
}

/** Whether no one but this machine can reach the address. */
export function isLoopback(address: ListenAddress): boolean {
  if ('path' in address) return true;
  return address.host === 'localhost' || address.host === '::1' || /^127\./.test(address.host);
}
