import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT, run } from './run-program.js';

const SCRIPT = join(ROOT, 'scripts', 'new-backend.mjs');
const TEMPLATE = join(ROOT, 'templates', 'backend');
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** A place where a package finds what it finds in the repository. */
let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'blockyard-new-backend-'));
  for (const name of ['tsconfig.base.json', 'tsup.base.ts', 'package.json']) {
    await cp(join(ROOT, name), join(workspace, name));
  }
  await symlink(join(ROOT, 'node_modules'), join(workspace, 'node_modules'));
});
afterEach(() => rm(workspace, { recursive: true }));

/** What vitest reports as JSON, as far as it is looked at. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const newBackend = (...args: string[]) => run(process.execPath, [SCRIPT, ...args], { cwd: workspace });

describe('The script for new backends', () => {
  test('makes a package that type-checks and passes the kit unchanged', async () => {
    const made = await newBackend('tape-robot', '--into', join(workspace, 'packages'));
    expect(made).toEqual({ exitCode: 0, output: expect.stringContaining('packages/backend-tape-robot is there.') });

    const target = join(workspace, 'packages', 'backend-tape-robot');
    await symlink(join(TEMPLATE, 'node_modules'), join(target, 'node_modules'));
    const [checked, tested] = await Promise.all([
      run(process.execPath, [TSC, '-p', 'tsconfig.json', '--noEmit'], { cwd: target }),
      // The kit at one size of sectors: the template's own tests are those of all.
      run(process.execPath, [VITEST, 'run', '--reporter=json', '-t', '^(?!.*sectors of (512|65536) )'], {
        cwd: target,
      }),
    ]);
    expect(checked).toEqual({ exitCode: 0, output: '' });
    const { testResults, numPassedTests } = JSON.parse(/^\{.*\}$/ms.exec(tested.output)?.[0] ?? '') as Report;
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    // What the template's volumes cannot show is left out, and said to be.
    const shown = results.filter(({ fullName }) => !/ left out: |sectors of (512|65536) /.test(fullName));
    expect(shown.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(tested.exitCode).toBe(0);
    expect(numPassedTests).toBeGreaterThan(100);
  });

  test('gives the package its name everywhere, and leaves out what was built', async () => {
    await newBackend('tape', '--into', workspace);
    const target = join(workspace, 'backend-tape');
    const manifest = JSON.parse(await readFile(join(target, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ name: '@blockyard/backend-tape' });
    expect(manifest).not.toHaveProperty('private');
    const names = await readdir(target, { recursive: true });
    expect(names).not.toContain('node_modules');
    expect(names).not.toContain('dist');
    for (const name of names.filter((each) => /\.\w+$/.test(each))) {
      expect(await readFile(join(target, name), 'utf8'), name).not.toMatch(/template/i);
    }
    expect(await readFile(join(target, 'src', 'connect.ts'), 'utf8')).toContain('export function connectTape(');
  });

  test('lists the package where a clone lists its packages, and tells commands that work in a fresh one', async () => {
    await mkdir(join(workspace, 'docs'));
    const page = join(workspace, 'docs', 'architecture.md');
    await cp(join(ROOT, 'docs', 'architecture.md'), page);
    const { output } = await newBackend('tape', '--into', join(workspace, 'packages'));
    expect(output).toContain('npm run pnpm -- exec turbo run test --filter=@blockyard/backend-tape\n');
    const lines = (await readFile(page, 'utf8')).split('\n');
    const row = lines.findIndex((line) => line.startsWith('| `backend-tape` '));
    expect(lines[row]).toHaveLength(lines[row - 1]?.length ?? 0);
    const checked = await run(
      process.execPath,
      [join(ROOT, 'scripts', 'manifests.mjs'), '--check', '--root', workspace],
      { cwd: workspace },
    );
    expect(checked).toEqual({ exitCode: 0, output: '' });
  });

  test('does not touch a package that is there', async () => {
    await mkdir(join(workspace, 'backend-tape'));
    const again = await newBackend('tape', '--into', workspace);
    expect(again).toEqual({ exitCode: 1, output: expect.stringMatching(/^error: .*backend-tape is there already\n$/) });
    expect(await readdir(join(workspace, 'backend-tape'))).toEqual([]);
  });

  test.each([[[]], [['Tape']], [['../tape']], [['tape', 'robot']], [['tape', '--onto', 'x']]])(
    '%j is refused, with the usage',
    async (args) => {
      const { exitCode, output } = await newBackend(...args);
      expect({ exitCode, usage: output.includes('Usage: npm run new-backend') }).toEqual({ exitCode: 2, usage: true });
    },
  );
});
