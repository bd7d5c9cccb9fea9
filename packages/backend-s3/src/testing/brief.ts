import type { ProxiedRequest } from '@blockyard/local-s3';

/** What of a request a test wants to see: `PUT data/000000000003`, `POST ?delete`. */
export function brief({ method, path, query }: ProxiedRequest): string {
  const key = path.split('/').slice(4).join('/');
  if (query.has('delete')) return `${method} ?delete`;
  if (query.has('list-type')) return `${method} ?list`;
  return `${method} ${key.replace(/^probe-.*/, 'probe')}`;
}
