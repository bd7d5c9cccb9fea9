import { dirname, resolve } from 'node:path';
import { BlockError } from '@blockyard/block';
import { DeviceUri } from '../syntax/device-uri.js';

/** `nbd:...`, `json:...`, `https:...`: what is no path. */
const HAS_SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/**
 * The device that an image's backing file lies on, which is named from where the image lies: a file beside or anywhere on the
 * machine; on a web server, what that server has. Throws `UNSUPPORTED` for names of anything else.
 *
 * @param uri the image, or one below it
 */
export function backingPlace(uri: DeviceUri, name: string): DeviceUri {
  if (HAS_SCHEME.test(name)) throw refused(name, 'only a path is followed');
  if (uri.scheme === 'http' || uri.scheme === 'https') return webUri(uri, name);
  if (uri.scheme === 'file') return fileUri(resolve(dirname(uri.path), name), uri.parameter('lock'));
  throw refused(name, `beside what ${uri.scheme}: names there are no files`);
}

function fileUri(path: string, lock: string | undefined): DeviceUri {
  const written = path.replace(/[%?#]/g, encodeURIComponent);
  return new DeviceUri(`file:${written}${lock === undefined ? '' : `?lock=${lock}`}`);
}

/** On the same server, and asked for in the same way. */
function webUri(uri: DeviceUri, name: string): DeviceUri {
  const below = new URL(name.replace(/[%?#]/g, encodeURIComponent), `${uri.scheme}:${uri.rest}`);
  if (below.host !== new URL(`${uri.scheme}:${uri.rest}`).host) throw refused(name, 'it is on another server');
  const query = uri.without(['query', 'sector']).split('?')[1];
  return new DeviceUri(`${uri.scheme}://${below.host}${below.pathname}${query === undefined ? '' : `?${query}`}`);
}

function refused(name: string, why: string): BlockError {
  return new BlockError('UNSUPPORTED', `the backing file ${JSON.stringify(name)} is not opened: ${why}`);
}
