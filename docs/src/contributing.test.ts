import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, run } from './run-program.js';

const read = (...path: string[]) => readFile(join(ROOT, ...path), 'utf8');

/** Every page of the repository. */
async function pages(): Promise<string[]> {
  const inPackages = await Promise.all(
    ['packages', 'apps', 'templates'].map(async (folder) =>
      (await readdir(join(ROOT, folder))).map((name) => join(folder, name, 'README.md')),
    ),
  );
  const inDocs = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const found = [
    'README.md',
    'CONTRIBUTING.md',
    'bench/README.md',
    ...inDocs.map((name) => join('docs', name)),
    ...inPackages.flat(),
  ];
  const there = await Promise.all(
    found.map((path) =>
      read(path).then(
        () => path,
        () => undefined,
      ),
    ),
  );
  return there.filter((path) => path !== undefined);
}

describe('The documentation', () => {
  test('tells the true length of the minimal driver, as the command beside it counts', async () => {
    const contributing = await read('CONTRIBUTING.md');
    const [, command, lines] = /`(wc -l templates\/backend\/src\/driver\.ts)` says (\d+)/.exec(contributing) ?? [];
    expect(command).toBeDefined();
    const counted = (await read('templates', 'backend', 'src', 'driver.ts')).split('\n').length - 1;
    expect(Number(lines)).toBe(counted);
  });

  test('speaks of no root command that does not exist', async () => {
    const { scripts } = JSON.parse(await read('package.json'));
    const builtIn = ['test', 'install', 'run'];
    for (const page of await pages()) {
      for (const [command, name] of (await read(page)).matchAll(/npm (?:run )?([a-z][a-z-]*)/g)) {
        if (!builtIn.includes(name as string)) expect(Object.keys(scripts), `${page}: ${command}`).toContain(name);
      }
    }
  });

  test('speaks of no command or option of blockyard that does not exist', async () => {
    const lines = [...(await read('README.md')).matchAll(/^blockyard (\w+)(.*)$/gm)];
    expect(lines.length).toBeGreaterThan(0);
    for (const [line, command, rest] of lines) {
      const main = join(ROOT, 'apps', 'cli', 'dist', 'main.js');
      const { exitCode, output } = await run(process.execPath, [main, command as string, '--help'], { cwd: ROOT });
      expect(exitCode, line).toBe(0);
      for (const [option] of (rest as string).matchAll(/--[a-z-]+/g)) expect(output, line).toContain(`${option} <`);
    }
  });

  test('names no file of the cache that does not exist', async () => {
    const files = await readdir(join(ROOT, 'packages', 'cache', 'src'), { recursive: true });
    const page = await read('docs', 'cache.md');
    const named = [...page.matchAll(/`([a-z/-]+\.ts)`/g)].map(([, name]) => name as string);
    expect(named.filter((name) => !files.includes(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });

  test('has no link that leads nowhere', async () => {
    const remark = join(ROOT, 'docs', 'node_modules', 'remark-cli', 'cli.js');
    const checked = await run(
      process.execPath,
      [
        remark,
        ...(await pages()).map((page) => join(ROOT, page)),
        join(ROOT, 'packages', 'block', 'CONTRACT.md'),
        '--frail',
        '--quiet',
        '--no-stdout',
        '--use',
        'remark-gfm',
        '--use',
        'remark-validate-links=repository:false',
      ],
      { cwd: join(ROOT, 'docs') },
    );
    expect(checked).toEqual({ exitCode: 0, output: '' });
  });
});
