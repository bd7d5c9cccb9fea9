import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = dirname(dirname(fileURLToPath(import.meta.url)));

/** Scripts, by the path that they are served under: files of `src`, or code. */
export type Scripts = Readonly<Record<string, string>>;

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a page on loopback that loads `/page.js`. Scripts are bundled for browsers. The page is cross-origin isolated, so that
 * it has shared memory.
 */
export async function serveSite(scripts: Scripts): Promise<Site> {
  const files = new Map<string, string>();
  for (const [path, script] of Object.entries(scripts)) files.set(path, await bundle(script));
  const server = createServer((request, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    const script = files.get(request.url ?? '');
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script ?? '<!doctype html><title>tests</title><body><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bundle(script: string): Promise<string> {
  const options = { bundle: true, platform: 'browser', format: 'esm', write: false, logLevel: 'silent' } as const;
  const isCode = script.includes('\n');
  const input = isCode ? { stdin: { contents: script, resolveDir: SOURCE } } : { entryPoints: [join(SOURCE, script)] };
  const { outputFiles } = await build({ ...options, ...input });
  return outputFiles[0]?.text ?? '';
}
