import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { blockyard, makeFolder, runHere, serve } from './testing/cli.js';

const MEMORY = new URL('../../../packages/backend-memory/dist/index.js', import.meta.url).href;
const LAYERS = new URL('../../../packages/layers/dist/index.js', import.meta.url).href;
const CLI = fileURLToPath(new URL('..', import.meta.url));

let folder: Awaited<ReturnType<typeof makeFolder>>;

/** A package as someone else would publish it: ESM alone, with a scheme that opens memory. */
async function install(name: string, code: string): Promise<void> {
  const path = join(folder.path, 'node_modules', name);
  await mkdir(path, { recursive: true });
  const manifest = { name, version: '1.0.0', type: 'module', exports: { '.': { import: './index.js' } } };
  await writeFile(join(path, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(path, 'index.js'), code);
}

const schemesNamed = (name: string) => `
import { connectMemory } from ${JSON.stringify(MEMORY)};
import { withReadOnly } from ${JSON.stringify(LAYERS)};
const scheme = {
  example: '${name}:one',
  parameters: ['size'],
  durability: { write: 'memory', flush: 'memory' },
  async connect(uri, { readOnly }) {
    const device = await connectMemory({ sizeSectors: (uri.size('size') ?? 65536) / 512 });
    return readOnly ? withReadOnly(device) : device;
  },
  list: async ({ path }) => [{ uri: '${name}:' + path + '/one', sizeBytes: 65536 }],
};
export const schemes = { '${name}': scheme };
`;

beforeAll(async () => {
  folder = await makeFolder();
  await install('blockyard-backend-tape', schemesNamed('tape'));
  await install('blockyard-backend-disc', schemesNamed('tape'));
  await install('blockyard-backend-junk', 'export const scheme = {};');
  await install('blockyard-backend-throws', 'throw new Error("no tape here");');
  await install('@acme/tapes', schemesNamed('acme-tape'));
  await install('@acme/files', schemesNamed('file'));
});
afterAll(() => folder.remove());

/** The command as if it ran in the folder. */
async function run(...args: string[]) {
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder.path);
  try {
    return await runHere(args);
  } finally {
    cwd.mockRestore();
  }
}

describe('the backend of someone else', () => {
  test('is found by its scheme where it is installed, by every command that takes a device', async () => {
    const [uri, copy] = ['tape:one?size=128K', `file:${folder.in('copy.img')}`];
    expect(JSON.parse((await run('bench', uri, '--seconds', '0.01', '--json')).stdout)).toHaveProperty('reads');
    expect((await run('copy', uri, copy, '--create', '--verify')).code).toBe(0);
    expect(await run('compare', uri, copy)).toMatchObject({ code: 0, stdout: 'equal, 128 KiB compared\n' });
    expect((await run('check', uri)).code).toBe(0);
    expect((await run('list', 'tape:shelf')).stdout).toMatch(/^tape:shelf\/one +- +64 KiB +\? +- +\?$/m);
    expect(await run('create', uri, '--size', '1M')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('tape: cannot create a device'),
    });
  });

  test('is served', async () => {
    const { line, child, ended } = await serve(['tape:one', '--nbd', 'unix:tape.sock'], { cwd: folder.path });
    expect(line).toMatch(/^nbd/);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('is named with --backend where its package has another name', async () => {
    const uri = 'acme-tape:one';
    expect(await run('info', uri)).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown scheme') });
    const named = await run('info', uri, '--backend', '@acme/tapes', '--backend', 'blockyard-backend-tape', '--json');
    expect(named).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(named.stdout)).toMatchObject({ sizeBytes: 65_536 });
  });

  test.each([
    [
      'that is not installed',
      ['--backend', 'no-such'],
      1,
      /package no-such is not installed \(hint: npm install no-such\)/,
    ],
    ['that has no schemes', ['--backend', 'blockyard-backend-junk'], 1, /is no backend: it exports no schemes/],
    ['that cannot be loaded', ['--backend', 'blockyard-backend-throws'], 1, /cannot be loaded: no tape here/],
    ['whose scheme is known already', ['--backend', '@acme/files'], 1, /scheme file: is known already/],
    ['that is a path', ['--backend', './node_modules/blockyard-backend-tape'], 2, /is not the name of a package/],
    ['that is a URL', ['--backend', 'https://example.org/x.js'], 2, /is not the name of a package/],
    ['that is data', ['--backend', 'data:text/javascript,0'], 2, /is not the name of a package/],
    ['that is a module of Node', ['--backend', 'fs'], 2, /is not the name of a package/],
    [
      'that is a part of a package',
      ['--backend', 'blockyard-backend-tape/index.js'],
      2,
      /is not the name of a package/,
    ],
  ])('%s is refused', async (_what, args, code, message) => {
    const ended = await run('info', 'memory:?size=1M', ...args);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });

  test.each([
    ['disc:one', 1, /package blockyard-backend-disc has no scheme disc:/],
    ['throws:one', 1, /cannot be loaded: no tape here/],
    [
      'flop:one',
      2,
      /unknown scheme "flop"; there are .* \(hint: npm install blockyard-backend-flop, or name its package/,
    ],
  ])('%s is refused with the reason', async (uri, code, message) => {
    expect(await run('info', uri)).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('is not found from elsewhere', async () => {
    expect(await blockyard(['info', 'tape:one'], { cwd: CLI })).toMatchObject({ code: 2 });
  });
});
