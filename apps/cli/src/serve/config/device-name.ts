import { resolve } from 'node:path';

/** What a URI names, however it is opened. Paths are whole. */
export function deviceNameOf(uri: string): string {
  const [, scheme, path, rest] = /^(file|dir):([^?]*)|^(s3:[^?]*)/i.exec(uri) ?? [];
  if (scheme !== undefined && path !== undefined) return `${scheme.toLowerCase()}:${resolve(path)}`;
  return rest ?? uri;
}
