import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { dir } from './dir.js';
import { file } from './file.js';
import { memory } from './memory.js';
import { nbd } from './nbd.js';
import { s3 } from './s3.js';
import type { Scheme } from './scheme.js';

/** Every kind of device. A new backend is one line here and a file beside the others. */
export const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['memory', memory],
  ['file', file],
  ['s3', s3],
  ['dir', dir],
  ['nbd', nbd('nbd://host/export')],
  ['nbds', nbd('nbds://host/export?tls-certificates=DIR')],
  ['nbd+unix', nbd('nbd+unix:///export?socket=/run/nbd.sock')],
  ['nbds+unix', nbd('nbds+unix:///export?socket=/run/nbd.sock')],
]);

/** An example for every scheme, for help and messages. */
export const URI_EXAMPLES: readonly string[] = [...SCHEMES.values()].map(({ example }) => example);

/** The scheme of a URI whose parameters it knows. Throws `INVALID_ARGUMENT` that names what is known. */
export function schemeOf(uri: DeviceUri): Scheme {
  const scheme = SCHEMES.get(uri.scheme);
  if (scheme === undefined) {
    throw invalid(`unknown scheme ${JSON.stringify(uri.scheme)}; there are ${[...SCHEMES.keys()].join(', ')}`);
  }
  uri.checkParameters(scheme.parameters);
  return scheme;
}
