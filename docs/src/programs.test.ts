import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allExamples, allPages, type Program, programsOf } from './programs.js';
import { readersOwn } from './readers-own.js';
import { ROOT, run } from './run-program.js';
import { typeCheck } from './type-check.js';

/** Examples that need a store: they are type-checked alone. */
const OF_STORES = /^packages\/backend-s3\//;

let folder: string;
const [programs, examples] = await Promise.all([
  Promise.all(allPages().map(programsOf)).then((found) => found.flat()),
  allExamples(),
]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-programs-'));
  await install();
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

test('every program on every page, and in every docstring, type-checks as strictly as a consumer may', async () => {
  expect(programs.length).toBeGreaterThan(50);
  expect(examples.length).toBeGreaterThan(35);
  const files = await Promise.all([...programs, ...examples].map(place));
  const lib = ['ES2022', 'ESNext.Disposable', 'DOM'];
  const options = { lib, types: ['node'], allowJs: true, checkJs: true, skipLibCheck: true };
  expect(await typeCheck(folder, files, options)).toBe('');
});

/** Runs modules one after the other, and tells what each printed or failed with. */
const RUNNER = `
const told = [];
let lines = [];
console.log = (...values) => lines.push(values.map(String).join(' '));
for (const file of process.argv.slice(2)) {
  lines = [];
  try {
    await import(file);
    await new Promise((resolve) => setTimeout(resolve, 10));
    told.push(lines);
  } catch (error) {
    told.push([...lines, error?.stack ?? String(error)]);
  }
}
process.stdout.write(JSON.stringify(told));
process.exit();
`;

describe('examples in docstrings', () => {
  test('print what they say', async () => {
    const cwd = await mkdtemp(join(folder, 'examples-'));
    await writeFile(join(cwd, 'runner.mjs'), RUNNER);
    const ours = examples.filter(({ page }) => !OF_STORES.test(page));
    await Promise.all(
      ours.map(async ({ code }, n) => {
        const { code: plain } = await transform(code, { loader: 'ts', target: 'node20' });
        await writeFile(join(cwd, `${n}.mjs`), plain);
      }),
    );
    const { output } = await run(process.execPath, ['runner.mjs', ...ours.map((_, n) => `./${n}.mjs`)], { cwd });
    const told = JSON.parse(output.slice(output.indexOf('[')));
    const said = ours.map(({ code }) => [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, text]) => text));
    const named = (lines: readonly unknown[]) => ours.map(({ page }, n) => [page, lines[n]]);
    expect(named(told)).toEqual(named(said));
  });
});
