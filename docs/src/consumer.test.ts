import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from './run-program.js';
import { typeCheck } from './type-check.js';

/** What is for sockets and files, or has buffers of Node by an interface of others, and runs nowhere else. */
const OF_NODE = /^((backend-file|http-api|nbd|object-store-s3|page)\/|object-store\/directory\/|adapters\/file-disk\.)/;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-consumer-'));
  await symlink(join(ROOT, 'docs', 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Type-checks a program, declarations of packages included. */
async function check(program: string, compilerOptions: object): Promise<string> {
  await writeFile(join(folder, 'program.ts'), program);
  return typeCheck(folder, ['program.ts'], { skipLibCheck: false, ...compilerOptions });
}

const PROGRAM = `
import { type BlockDevice, BlockError, copy, createDevice } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';
import { connectMemory } from '@blockyard/backend-memory';

const disk = await connectCache(await connectMemory({ sizeBytes: 8192 }), { maxSizeBytes: 2 ** 20 });
const device: BlockDevice & AsyncDisposable = disk;
await copy(device, await connectMemory({ sizeSectors: 16 }));
const { device: where }: { device?: string | undefined } = new BlockError('IO', 'why');
export const made = [createDevice, where, disk.snapshot().dirtyBytes];
`;

test.each([
  ['no types but the language’s', ['ES2022', 'ESNext.Disposable']],
  ['the types of a browser', ['ES2022', 'ESNext.Disposable', 'DOM']],
])('a program with %s compiles against the contract, the cache and memory', async (_what, lib) => {
  expect(await check(PROGRAM, { lib, types: [] })).toBe('');
});

test('no declaration of the others needs the types of Node', async () => {
  const names = await readdir(join(ROOT, 'packages'));
  const hits: string[] = [];
  for (const name of names) {
    const { private: isPrivate } = JSON.parse(await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
    if (isPrivate === true) continue;
    const dist = join(ROOT, 'packages', name, 'dist');
    const files = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.d.ts'));
    expect(files.length, name).toBeGreaterThan(0);
    for (const file of files.filter((each) => !OF_NODE.test(`${name}/${each}`))) {
      const text = await readFile(join(dist, file), 'utf8');
      if (/from 'node:|\bBuffer\b[<;,)\]]|\bNodeJS\./.test(text.replace(/\/\*.*?\*\//gs, '')))
        hits.push(`${name}/${file}`);
    }
  }
  expect(hits).toEqual([]);
});
