import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { dir } from './dir.js';
import { file } from './file.js';
import { http } from './http.js';
import { memory } from './memory.js';
import { nbd } from './nbd.js';
import { findRegistered, registeredSchemes } from './registry.js';
import { s3 } from './s3.js';
import type { Scheme } from './scheme.js';

/** Every kind of device that is known here. All others are registered. */
export const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['memory', memory],
  ['file', file],
  ['s3', s3],
  ['dir', dir],
  ['http', http('http://host/disk.img')],
  ['https', http('https://host/disk.img')],
  ['nbd', nbd('nbd://host/export')],
  ['nbds', nbd('nbds://host/export?tls-certificates=DIR')],
  ['nbd+unix', nbd('nbd+unix:///export?socket=/run/nbd.sock')],
  ['nbds+unix', nbd('nbds+unix:///export?socket=/run/nbd.sock')],
]);

/** An example for every scheme that is known here, for help and messages. */
export const URI_EXAMPLES: readonly string[] = [...SCHEMES.values()].map(({ example }) => example);

/** Names of the schemes whose devices can be listed. */
export function listedSchemes(): string[] {
  const all = [...SCHEMES, ...registeredSchemes()];
  return all.filter(([, { volumes, list }]) => volumes !== undefined || list !== undefined).map(([name]) => `${name}:`);
}

/** The scheme of a URI whose parameters it knows. Rejects with `INVALID_ARGUMENT` that names what is known. */
export async function schemeOf(uri: DeviceUri): Promise<Scheme> {
  const scheme = SCHEMES.get(uri.scheme) ?? (await findRegistered(uri.scheme));
  if (scheme === undefined) {
    const names = [...SCHEMES.keys(), ...registeredSchemes().keys()];
    throw invalid(`unknown scheme ${JSON.stringify(uri.scheme)}; there are ${names.join(', ')}`);
  }
  uri.checkParameters(scheme.parameters);
  return scheme;
}
