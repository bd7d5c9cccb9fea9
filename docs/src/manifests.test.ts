import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { RUNTIMES } from '../../scripts/runtimes/runtimes.mjs';
import { ROOT, run } from './run-program.js';

test('every published package says where it comes from, and how it is installed', async () => {
  const checked = await run(process.execPath, [join(ROOT, 'scripts', 'manifests.mjs'), '--check'], { cwd: ROOT });
  expect(checked).toEqual({ exitCode: 0, output: '' });
});

/**
 * What a page pays for it, minified: kilobytes of a thousand bytes. Of a cache over memory the package block and memory are 6,
 * what a page may never ask for (warm-ups, read-ahead, maps, snapshots, two of three policies) is some 7, the rest is the cache.
 */
const LIMITS: readonly (readonly [what: string, code: string, maxKilobytes: number])[] = [
  [
    'a cache over memory',
    `export { createDevice } from '@blockyard/block';
     export { connectCache } from '@blockyard/cache';
     export { connectMemory } from '@blockyard/backend-memory';`,
    37,
  ],
  ['a device of one’s own', `export { createDevice } from '@blockyard/block';`, 6],
];

test.each(LIMITS)('%s is small, and needs nothing of Node', async (_what, contents, maxKilobytes) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(ROOT, 'docs') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).byteLength;
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes / 1000).toBeLessThanOrEqual(maxKilobytes);
});

test('a release is made by the workflow alone: it may ask for an identity, and there is no token', async () => {
  const workflow = await readFile(join(ROOT, '.github', 'workflows', 'release.yml'), 'utf8');
  expect(workflow).toContain('id-token: write');
  expect(workflow).not.toMatch(/NPM_TOKEN|NODE_AUTH_TOKEN/);
});

const WORKFLOWS = join(ROOT, '.github', 'workflows');

test.each(await readdir(WORKFLOWS))(
  '%s runs scripts that exist, with actions of the versions that all use',
  async (name) => {
    const workflow = await readFile(join(WORKFLOWS, name), 'utf8');
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const used = [...workflow.matchAll(/npm run ([a-z-]+)/g)].map(([, script]) => script);
    expect(used.length).toBeGreaterThan(0);
    for (const script of used) expect(Object.keys(scripts)).toContain(script);
    for (const [, action] of workflow.matchAll(/uses: (.*)$/gm))
      expect(['actions/checkout@v5', 'actions/setup-node@v5', 'changesets/action@v1']).toContain(action);
  },
);

test('the workflow has a job for each runtime that npm run runtimes knows', async () => {
  const workflow = await readFile(join(WORKFLOWS, 'ci.yml'), 'utf8');
  const [, names = ''] = /^ +runtime: \[(.*)\]$/m.exec(workflow) ?? [];
  expect(names.split(', ')).toEqual(Object.keys(RUNTIMES));
});
