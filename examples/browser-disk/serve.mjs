// Serves the page on loopback: node browser-disk/serve.mjs [PORT]
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { build } from 'esbuild';

const folder = import.meta.dirname;
const { outputFiles } = await build({
  entryPoints: { page: `${folder}/page.mjs`, worker: `${folder}/worker.mjs` },
  bundle: true,
  platform: 'browser',
  format: 'esm',
  outdir: '/',
  write: false,
});
const scripts = new Map(outputFiles.map(({ path, text }) => [path, text]));
const page = await readFile(`${folder}/page.html`, 'utf8');

const server = createServer(({ url }, response) => {
  const script = scripts.get(url);
  response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
  response.end(script ?? page);
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
