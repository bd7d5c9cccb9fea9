import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeProject, ROOT, run } from './run-program.js';

const GUIDES = join(ROOT, 'docs', 'guides');
/** Where the guides' store is. */
const ENDPOINT = 'http://127.0.0.1:9000';
const MAIN = join(ROOT, 'apps', 'cli', 'dist', 'main.js');
/** A shell that ends at the first command that fails, and leaves no server behind. */
const PROLOGUE = [
  'set -euo pipefail',
  'PATH=$PWD/bin:$PATH:/usr/sbin:/sbin',
  `trap 'kill -9 $(jobs -p) 2> /dev/null || true' EXIT`,
];

const names = (await readdir(GUIDES)).filter((name) => name.endsWith('.md'));
let store: LocalS3;
beforeAll(async () => {
  store = await startLocalS3({ bucket: 'volumes' });
});
afterAll(() => store.stop());

test('There is a guide for each of the six occasions', () => {
  expect(names.map((name) => name.replace('.md', '')).sort()).toEqual([
    'boot-from-s3',
    'database',
    'lose-a-machine',
    'move-a-volume',
    'out-of-space',
    'upgrade',
  ]);
});

/** The machine may have more to do. Alone they take some ten seconds together. */
const TIMEOUT_MS = 300_000;

/** Whether the programs are there that the guides use beside the command. */
const haveTools =
  process.env.BLOCKYARD_REQUIRE_TOOLS === '1' ||
  (
    await run('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin; which qemu-img qemu-io nbdcopy mke2fs debugfs sqlite3 curl'], {
      cwd: ROOT,
    })
  ).exitCode === 0;

test.skipIf(!haveTools).concurrent.each(names)(
  'Every command of %s works, in the order of the page',
  async (name) => {
    const page = await readFile(join(GUIDES, name), 'utf8');
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? '');
    expect(blocks.length).toBeGreaterThan(2);
    const project = await makeProject();
    try {
      const [bin, command] = [join(project.directory, 'bin'), join(project.directory, 'bin', 'blockyard')];
      await mkdir(bin);
      await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
      // Each guide has its own part of the store.
      const commands = blocks
        .join('')
        .replaceAll(ENDPOINT, store.endpoint)
        .replaceAll('s3://volumes/', `s3://volumes/${name}/`);
      const { accessKeyId, secretAccessKey } = store.credentials;
      const ended = await run('bash', ['-c', [...PROLOGUE, commands].join('\n')], {
        cwd: project.directory,
        env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      });
      expect(ended.exitCode, ended.output).toBe(0);
    } finally {
      await project.dispose();
    }
  },
  TIMEOUT_MS,
);

test('The README leads to each guide', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  for (const name of names) expect(readme).toContain(`docs/guides/${name}`);
});
