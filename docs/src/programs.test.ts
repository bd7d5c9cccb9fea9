import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allPages, type Program, programsOf } from './programs.js';
import { readersOwn } from './readers-own.js';
import { ROOT } from './run-program.js';
import { typeCheck } from './type-check.js';

let folder: string;
/** Of all pages. */
let programs: readonly Program[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-programs-'));
  await install();
  programs = (await Promise.all(allPages().map(programsOf))).flat();
});
afterAll(() => rm(folder, { recursive: true }));

/** Every package of the repository, and what readers use beside them. */
async function install(): Promise<void> {
  const modules = join(folder, 'node_modules');
  // Those that are built before these tests.
  const built = join('docs', 'node_modules', '@blockyard');
  await mkdir(modules);
  await symlink(join(ROOT, built), join(modules, '@blockyard'));
  const others = { '@types/node': '.', 'fast-check': '.', vitest: '.', '@aws-sdk/client-s3': 'packages/local-s3' };
  for (const [name, owner] of Object.entries(others)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, owner, 'node_modules', name), join(modules, name));
  }
}

/** A program in a file, each of its lines at its number on the page, behind what its page leaves to the reader. */
async function place({ page, line, language, code }: Program): Promise<string> {
  const file = `${page.replaceAll('/', '_')}.${line}.${language}`;
  const own = readersOwn(page, code);
  await writeFile(join(folder, file), `${own}export {};${'\n'.repeat(line - 1)}${code}`);
  return file;
}

test('every program on every page type-checks, as strictly as a consumer may', async () => {
  expect(programs.length).toBeGreaterThan(50);
  const files = await Promise.all(programs.map(place));
  const lib = ['ES2022', 'ESNext.Disposable', 'DOM'];
  const options = { lib, types: ['node'], allowJs: true, checkJs: true, skipLibCheck: true };
  expect(await typeCheck(folder, files, options)).toBe('');
});
