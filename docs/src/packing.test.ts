import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, run } from './run-program.js';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** What only tests use: tests, what they share, and devices that are wrong on purpose. */
const FOR_TESTS = /\.(test|fake|bench)\.|(^|\/)(testing|saboteurs|coverage|node_modules)\/|(^|\/)(vitest|tsup)\.config/;

async function publishedPackages(): Promise<{ readonly folder: string; readonly manifest: Manifest }[]> {
  const folders = await Promise.all(
    ['packages', 'apps'].map(async (parent) => (await readdir(join(ROOT, parent))).map((name) => join(parent, name))),
  );
  const packages = await Promise.all(
    folders.flat().map(async (folder) => {
      const manifest: Manifest = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8'));
      return { folder, manifest };
    }),
  );
  return packages.filter(({ manifest }) => manifest.private !== true);
}

/** Paths of all that each package's tarball would hold, by the package's name. */
async function packed(folders: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--silent', ...folders.map((path) => `./${path}`)];
  const { exitCode, output } = await run('npm', args, { cwd: ROOT });
  expect(exitCode, output).toBe(0);
  const report: object = JSON.parse(output);
  const tarballs: readonly { name: string; files: { path: string }[] }[] = Object.values(report);
  return new Map(tarballs.map(({ name, files }) => [name, files.map(({ path }) => path)]));
}

/** Names of the packages that a file imports, its own and Node's modules left out. */
function importsOf(code: string, self: string): string[] {
  const bare = code.replace(/\/\*.*?\*\/|^\s*\/\/.*$/gms, '');
  const specifiers = [...bare.matchAll(/\b(?:from\s*|import\s*\(?\s*)(['"])([^'"\n]+)\1/g)].map(
    ([, , path]) => path as string,
  );
  const names = specifiers
    .filter((path) => !path.startsWith('.') && !path.startsWith('node:') && !builtinModules.includes(path))
    .map((path) => path.split('/', path.startsWith('@') ? 2 : 1).join('/'));
  return [...new Set(names)].filter((name) => name !== self);
}

const packages = await publishedPackages();
// One process packs all of them: each on its own took as long to begin as to pack.
const tarballs = packed(packages.map(({ folder }) => folder));

describe.each(packages.map(({ folder, manifest }) => [manifest.name, folder, manifest] as const))(
  'The tarball of %s',
  (_, folder, manifest) => {
    const files = tarballs.then((paths) => paths.get(manifest.name) ?? []);

    test('holds what its manifest promises', async () => {
      const { exports = {}, bin = {} } = manifest;
      const targets = Object.values(exports).flatMap((target) =>
        typeof target === 'string' ? [target] : [target.types, target.default],
      );
      const promised = [...targets, ...Object.values(bin)].map((path) => path.replace(/^\.\//, ''));
      expect(promised.length).toBeGreaterThan(0);
      expect(await files).toEqual(expect.arrayContaining([...promised, 'README.md']));
    });

    test('holds no test, and nothing that only tests use', async () => {
      expect((await files).filter((path) => FOR_TESTS.test(path))).toEqual([]);
    });

    test('imports nothing that its manifest does not depend on', async () => {
      const { dependencies, optionalDependencies, peerDependencies } = manifest;
      const known = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
      const code = (await files).filter((path) => /\.(js|mjs|ts)$/.test(path));
      expect(code.length).toBeGreaterThan(0);
      for (const path of code) {
        const imports = importsOf(await readFile(join(ROOT, folder, path), 'utf8'), manifest.name);
        expect(
          imports.filter((name) => !known.includes(name)),
          path,
        ).toEqual([]);
      }
    });
  },
);
