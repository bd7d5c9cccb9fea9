import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './run-program.js';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

async function manifestsIn(folder: string): Promise<Manifest[]> {
  const names = await readdir(join(ROOT, folder));
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(ROOT, folder, name, 'package.json'), 'utf8'))),
  );
}

const packages = await manifestsIn('packages');
const apps = await manifestsIn('apps');
const short = (name: string) => name.replace('@blockyard/', '');

/** Names of the project's own packages that one needs at run time. */
const needsOf = ({ dependencies = {} }: Manifest) =>
  Object.keys(dependencies)
    .filter((name) => name.startsWith('@blockyard/'))
    .map(short);

describe('Arrows point down', () => {
  const mayNeed: Readonly<Record<string, readonly string[]>> = {
    block: [],
    'local-s3': [],
    'browser-testing': [],
    metrics: ['backend-log', 'block', 'cache', 'nbd', 'object-cache', 'object-store', 'object-store-s3', 'write-log'],
    'object-cache': ['block', 'object-store'],
    'object-store-s3': ['block', 'object-store'],
    page: ['block', 'cache', 'http-api', 'metrics', 'nbd', 'object-store'],
    report: [],
    otel: ['block', 'layers', 'object-store'],
    'volume-root': ['block', 'object-store'],
    'warm-start': ['block', 'cache'],
    'backend-log': ['block', 'object-store', 'volume-root'],
    'backend-s3': ['block', 'object-store', 'object-store-s3', 'volume-root'],
    uri: [
      'block',
      'cache',
      'layers',
      'nbd',
      'object-cache',
      'object-store',
      'object-store-s3',
      'qcow2',
      'volume-root',
      'write-log',
      'warm-start',
      ...packages.map(({ name }) => short(name)).filter((name) => /^backend-/.test(name)),
    ],
  };

  test.each(packages.map((manifest) => [short(manifest.name), needsOf(manifest)] as const))(
    '%s knows no package beside or above it',
    (name, needs) => {
      const allowed = mayNeed[name] ?? ['block'];
      expect(needs.filter((need) => !allowed.includes(need))).toEqual([]);
    },
  );

  test('no package needs an app', () => {
    const appNames = apps.map(({ name }) => short(name));
    expect(packages.flatMap(needsOf).filter((need) => appNames.includes(need))).toEqual([]);
  });
});

/** Files of a package's `src`, by their place in it, that are packed: neither tests nor what they share. */
async function sourcesOf(name: string): Promise<string[]> {
  const all = await readdir(join(ROOT, 'packages', name, 'src'), { recursive: true });
  return all.filter((file) => /(?<!\.test)\.ts$/.test(file) && !/(^|\/)testing\//.test(file));
}

test('folders of the cache import only from those that stand below them on its page', async () => {
  const page = await readFile(join(ROOT, 'docs', 'cache.md'), 'utf8');
  const order = ['.', ...[...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, folder]) => folder as string)];
  const files = await sourcesOf('cache');
  expect(new Set(files.map((file) => dirname(file)))).toEqual(new Set(order));
  const upward: string[] = [];
  for (const file of files) {
    const code = await readFile(join(ROOT, 'packages', 'cache', 'src', file), 'utf8');
    for (const [, path] of code.matchAll(/from '(\.[^']+)'/g)) {
      const target = join(dirname(file), path as string);
      if (order.indexOf(dirname(target)) < order.indexOf(dirname(file))) upward.push(`${file} imports ${target}`);
    }
  }
  expect(upward).toEqual([]);
});

/** For each folder of a package, the folders of it that its files may import from; `.` is the files beside the folders. */
const FOLDERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  block: {
    async: ['.'],
    bulk: ['.', 'async'],
    device: ['.', 'async'],
    fakes: ['.'],
  },
  conformance: {
    assertions: [],
    bases: [],
    model: ['bases', 'assertions'],
    kit: ['bases', 'assertions'],
    'kit/cases': ['kit', 'model', 'bases', 'assertions'],
    simulator: ['model', 'bases', 'assertions'],
    saboteurs: ['.', 'kit', 'bases'],
  },
};

test.each(Object.entries(FOLDERS))('folders of %s import only from those below them', async (name, mayImport) => {
  const files = (await sourcesOf(name)).filter((file) => dirname(file) !== '.');
  expect(new Set(files.map((file) => dirname(file)))).toEqual(new Set(Object.keys(mayImport)));
  const others: string[] = [];
  for (const file of files) {
    const folder = dirname(file);
    const code = await readFile(join(ROOT, 'packages', name, 'src', file), 'utf8');
    for (const [, path] of code.matchAll(/from '(\.[^']+)'/g)) {
      const target = dirname(join(folder, path as string));
      if (target !== folder && !mayImport[folder]?.includes(target)) others.push(`${file} imports from ${target}`);
    }
  }
  expect(others).toEqual([]);
});

test.each(['block', 'cache', 'write-log'])('%s needs no library, no Buffer and no module of Node', async (name) => {
  const manifest = packages.find((each) => each.name === `@blockyard/${name}`);
  expect(Object.keys(manifest?.dependencies ?? {}).filter((each) => each !== '@blockyard/block')).toEqual([]);
  const source = join(ROOT, 'packages', name, 'src');
  const files = await sourcesOf(name);
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const code = (await readFile(join(source, file), 'utf8')).replace(/\/\*.*?\*\/|\/\/.*$/gms, '');
    expect(code, file).not.toMatch(/from '(node:|(?!\.|@blockyard\/block(?:\/async)?')[^']+')|\bBuffer\b|\bprocess\b/);
  }
});

test('The page on the architecture names every package and app', async () => {
  const page = await readFile(join(ROOT, 'docs', 'architecture.md'), 'utf8');
  const missing = [...packages, ...apps].map(({ name }) => short(name)).filter((name) => !page.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
