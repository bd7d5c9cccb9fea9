import { invalid } from './invalid.js';

/**
 * The path in what follows the colon of a URI that names something on this machine: `file:disk.img` is relative; `file:/a` and
 * `file:///a` are the same. Throws `INVALID_ARGUMENT`.
 */
export function localPath(scheme: string, text: string): string {
  const example = `${scheme}:/srv/disk`;
  const [, host, path] = /^\/\/([^/]*)(\/.*)?$/s.exec(text) ?? [undefined, '', text];
  if (host !== '' && host !== 'localhost') throw invalid(`a ${scheme}: URI has no host: ${example}`);
  if (path === undefined || path === '') throw invalid(`a ${scheme}: URI needs a path: ${example}`);
  return path;
}
