import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT, run } from './run-program.js';

const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
/** Packages of sockets and files, which run nowhere else. */
const OF_NODE = ['backend-file', 'http-api', 'nbd', 'object-store-s3'];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-consumer-'));
  await symlink(join(ROOT, 'docs', 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Type-checks a program as strictly as a consumer may, declarations of packages included. */
async function check(program: string, compilerOptions: object): Promise<string> {
  await writeFile(join(folder, 'program.ts'), program);
  const config = {
    compilerOptions: {
      target: 'ES2022',
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      ...compilerOptions,
    },
    files: ['program.ts'],
  };
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return (await run(process.execPath, [TSC, '-p', 'tsconfig.json'], { cwd: folder })).output;
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
  const names = (await readdir(join(ROOT, 'docs', 'node_modules', '@blockyard'))).filter(
    (name) => !OF_NODE.includes(name) && name !== 'cli',
  );
  const hits: string[] = [];
  expect(names).toContain('cache');
  for (const name of names) {
    const { private: isPrivate } = JSON.parse(await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
    if (isPrivate === true) continue;
    const dist = join(ROOT, 'packages', name, 'dist');
    for (const file of (await readdir(dist, { recursive: true })).filter((each) => each.endsWith('.d.ts'))) {
      const text = await readFile(join(dist, file), 'utf8');
      if (/from 'node:|\bBuffer\b[<;,)\]]|\bNodeJS\./.test(text.replace(/\/\*.*?\*\//gs, '')))
        hits.push(`${name}/${file}`);
    }
  }
  expect(hits).toEqual([]);
});
