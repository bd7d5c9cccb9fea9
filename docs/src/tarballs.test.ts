import { readdir, readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run } from './run-program.js';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

const folders = (
  await Promise.all(
    ['packages', 'apps'].map(async (parent) =>
      (await readdir(join(ROOT, parent))).map((name) => join(ROOT, parent, name)),
    ),
  )
).flat();
const published = (
  await Promise.all(
    folders.map(async (folder) => ({
      folder,
      manifest: JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest,
    })),
  )
).filter(({ manifest }) => manifest.private !== true);

/** What would be in the tarball, by its place in the package. */
async function filesOf(folder: string): Promise<string[]> {
  const { exitCode, output } = await run(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=silent'],
    {
      cwd: folder,
    },
  );
  expect(exitCode, output).toBe(0);
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

test.each(published.map((each) => [each.manifest.name, each] as const))(
  'the tarball of %s holds no test and no fixture, and what it holds imports only what it depends on',
  async (_name, { folder, manifest }) => {
    const files = await filesOf(folder);
    expect(files.length).toBeGreaterThan(3);
    // A testing face that is exported is part of the package.
    const isFixture = './testing' in (manifest.exports ?? {}) ? /\.(test|fake)\./ : /\.(test|fake)\.|\/testing\//;
    expect(files.filter((file) => isFixture.test(file))).toEqual([]);
    const known = Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
    });
    const foreign: string[] = [];
    for (const file of files.filter((each) => /\.(ts|js|mjs)$/.test(each))) {
      const code = (await readFile(join(folder, file), 'utf8')).replace(/\/\*.*?\*\/|\/\/.*$/gms, '');
      // Nothing is left of a type in what runs; in declarations it is needed.
      const erased = file.startsWith('src/') ? code.replace(/^import type [^;]*;$/gm, '') : code;
      for (const [, needed] of erased.matchAll(/^(?:import|export)\b[^'"]*from ['"]([^.'"][^'"]*)['"]/gm)) {
        const name = (needed as string)
          .split('/')
          .slice(0, (needed as string).startsWith('@') ? 2 : 1)
          .join('/');
        if (!isBuiltin(name) && !known.includes(name) && name !== manifest.name) foreign.push(`${file}: ${needed}`);
      }
    }
    expect(foreign).toEqual([]);
  },
);
