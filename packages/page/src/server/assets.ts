import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Answer, Route } from '@blockyard/http-api';
import { PATHS } from '../shared/messages.js';

/** The page runs its own script and style, asks its own server, and no one else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = [
  { path: PATHS.page, file: 'page.html', contentType: 'text/html; charset=utf-8' },
  { path: PATHS.script, file: 'page.js', contentType: 'text/javascript; charset=utf-8' },
  { path: PATHS.icon, file: 'icon.svg', contentType: 'image/svg+xml' },
  { path: PATHS.style, file: 'page.css', contentType: 'text/css; charset=utf-8' },
] as const;

/** The folder of what a browser loads, in the package as it is built. */
export function clientFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@blockyard/page/package.json')), 'dist', 'client');
}

/** Routes of the page itself, compressed once. Rejects if the package is not whole. */
export async function assetRoutes(): Promise<Route[]> {
  return Promise.all(
    FILES.map(async ({ path, file, contentType }): Promise<Route> => {
      const body = gzipSync(await readFile(join(clientFolder(), file)), { level: 9 });
      const headers = { 'content-encoding': 'gzip', 'content-security-policy': POLICY };
      const answer: Answer = { contentType, body, headers };
      return { method: 'GET', path, answer: () => answer };
    }),
  );
}
