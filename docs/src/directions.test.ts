import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './run-program.js';
import { projects, type SourceFile, sourceFilesOf } from './source-files.js';

/**
 * For each folder under the `src` of a package, the folders that it may import. `.` is what lies in `src` itself, but for the
 * package's entry points, which may import everything and are imported by nothing. A package without folders is not listed.
 */
const MAY_IMPORT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'packages/backend-log': {
    '.': ['encryption', 'format', 'history', 'state', 'volume'],
    checkpoint: ['format', 'map', 'objects', 'segments', 'state'],
    encryption: ['format'],
    format: [],
    history: ['checkpoint', 'encryption', 'format', 'maintenance', 'objects', 'recovery', 'state', 'volume'],
    maintenance: ['checkpoint', 'format', 'map', 'objects', 'reading', 'segments', 'state'],
    map: ['format'],
    objects: ['format'],
    reading: ['format', 'map', 'objects', 'segments', 'state'],
    recovery: ['format', 'objects', 'state'],
    segments: ['format'],
    state: ['format', 'map', 'objects'],
    volume: [
      'checkpoint',
      'encryption',
      'format',
      'maintenance',
      'objects',
      'reading',
      'recovery',
      'segments',
      'state',
    ],
  },
  'packages/backend-opfs': {
    bridge: ['file'],
    file: [],
  },
  'packages/backend-s3': {
    '.': ['layout', 'objects', 'root'],
    layout: [],
    objects: ['layout', 'root'],
    root: ['layout'],
  },
  'packages/block': {
    '.': [],
    async: ['.'],
    bulk: ['.', 'async'],
    device: ['.', 'async'],
  },
  'packages/cache': {
    '.': [
      'base',
      'eviction',
      'lines',
      'memory',
      'read-ahead',
      'report',
      'requests',
      'tables',
      'unwritten',
      'write-back',
    ],
    base: ['lines', 'tables', 'unwritten'],
    eviction: ['tables'],
    lines: ['eviction', 'tables'],
    memory: ['lines'],
    'read-ahead': ['base', 'eviction', 'lines', 'memory', 'tables', 'unwritten'],
    report: ['base', 'eviction', 'lines', 'memory', 'read-ahead', 'requests', 'tables', 'unwritten', 'write-back'],
    requests: ['base', 'lines', 'memory', 'tables', 'unwritten', 'write-back'],
    tables: [],
    unwritten: ['tables'],
    'write-back': ['base', 'lines', 'memory', 'tables', 'unwritten'],
  },
  'packages/conformance': {
    '.': ['kit', 'kit/cases'],
    assertions: [],
    bases: [],
    kit: ['assertions', 'bases'],
    'kit/cases': ['assertions', 'bases', 'kit', 'model'],
    model: ['assertions', 'bases'],
    saboteurs: ['.', 'bases', 'kit'],
    simulator: ['assertions', 'bases', 'model'],
  },
  'packages/metrics': {
    '.': ['families'],
    families: [],
  },
  'packages/nbd': {
    client: ['uri', 'wire'],
    server: [
      'server/exports',
      'server/fairness',
      'server/hand-over',
      'server/memory',
      'server/negotiation',
      'server/transmission',
      'uri',
      'wire',
    ],
    'server/access': ['server/fairness'],
    'server/exports': ['server/fairness', 'wire'],
    'server/fairness': [],
    'server/hand-over': ['server/exports', 'server/negotiation', 'wire'],
    'server/memory': ['wire'],
    'server/negotiation': ['server/exports', 'wire'],
    'server/transmission': ['server/access', 'server/exports', 'server/fairness', 'server/memory', 'wire'],
    uri: ['wire'],
    wire: [],
  },
  'packages/object-cache': {
    '.': ['format', 'identity', 'medium', 'reading', 'regions', 'table'],
    format: [],
    identity: [],
    medium: ['format'],
    reading: ['format', 'medium'],
    regions: ['format', 'identity', 'medium', 'reading', 'table'],
    table: ['format', 'identity'],
  },
  'packages/object-store': {
    '.': [],
    'conformance/cases': ['.'],
    directory: ['.'],
    faults: ['.'],
  },
  'packages/object-store-s3': {
    '.': ['direct', 'link', 'probe', 'requests'],
    direct: ['link'],
    link: [],
    probe: ['requests'],
    requests: ['direct', 'link'],
  },
  'packages/report': {
    '.': [],
    client: ['.'],
  },
  'packages/page': {
    '.': ['status'],
    client: ['.', 'client/dom', 'client/map', 'shared', 'status'],
    'client/dom': [],
    'client/map': ['client/dom', 'shared'],
    server: ['.', 'shared'],
    shared: ['.', 'status'],
    status: [],
  },
  'packages/qcow2': {
    '.': ['format', 'image'],
    compression: [],
    format: [],
    image: ['compression', 'format'],
  },
  'packages/uri': {
    '.': ['image', 'schemes', 'syntax', 'tier', 'volumes', 'warm-start'],
    image: ['schemes', 'syntax'],
    schemes: ['syntax', 'tier'],
    syntax: [],
    tier: ['syntax'],
    volumes: ['schemes', 'syntax', 'tier'],
    'warm-start': ['syntax'],
  },
  'packages/warm-start': {
    '.': ['format', 'lists'],
    files: ['format'],
    format: [],
    lists: ['files', 'format'],
  },
  'packages/write-log': {
    '.': ['changes', 'drain', 'format', 'log', 'medium', 'opening', 'reading'],
    changes: ['format'],
    drain: ['changes', 'format', 'log', 'medium'],
    format: [],
    log: ['changes', 'format', 'medium'],
    medium: ['changes', 'format'],
    opening: ['changes', 'format', 'medium'],
    reading: ['changes', 'medium'],
  },
  'apps/cli': {
    advise: ['load', 'terminal', 'trace'],
    '.': ['arguments', 'commands', 'devices', 'terminal'],
    arguments: ['terminal'],
    commands: [
      'advise',
      'arguments',
      'completion',
      'describe',
      'devices',
      'explain',
      'load',
      'report',
      'serve',
      'serve/config',
      'serve/http',
      'serve/status',
      'terminal',
      'trace',
    ],
    completion: ['describe'],
    describe: [],
    devices: ['arguments', 'terminal'],
    explain: ['terminal'],
    load: ['devices', 'explain', 'terminal', 'trace'],
    manual: ['.', 'arguments', 'describe', 'terminal'],
    report: ['advise', 'devices', 'explain', 'load', 'terminal'],
    serve: [
      'arguments',
      'devices',
      'explain',
      'serve/config',
      'serve/http',
      'serve/monitor',
      'serve/status',
      'serve/volumes',
      'terminal',
    ],
    'serve/config': ['arguments', 'serve/http', 'terminal'],
    'serve/volumes': ['arguments', 'devices', 'serve/config', 'terminal'],
    'serve/http': ['terminal'],
    'serve/monitor': ['terminal'],
    'serve/status': ['serve/http', 'terminal'],
    terminal: [],
    trace: [],
  },
  'apps/demo': {
    '.': ['inputs', 'laboratory', 'laboratory/setup', 'places', 'process'],
    inputs: [],
    laboratory: ['inputs', 'laboratory/bench', 'laboratory/model', 'laboratory/setup', 'laboratory/workloads'],
    'laboratory/bench': [
      'inputs',
      'laboratory/model',
      'laboratory/server',
      'laboratory/setup',
      'laboratory/store',
      'laboratory/workloads',
    ],
    'laboratory/model': [],
    'laboratory/server': ['inputs', 'laboratory/setup'],
    'laboratory/setup': [],
    'laboratory/store': ['laboratory/server'],
    'laboratory/workloads': ['inputs', 'laboratory/model'],
    places: ['inputs', 'process'],
    process: [],
  },
  'apps/simulate': {
    '.': ['subjects'],
    killed: [],
    memory: [],
    planted: [],
    'power-cut': ['killed'],
    runtimes: [],
    subjects: [],
  },
};

/** Files that a package names in its `exports` or `bin`. */
async function entryPointsOf(project: string): Promise<ReadonlySet<string>> {
  const { exports = {}, bin = {} } = JSON.parse(await readFile(join(ROOT, project, 'package.json'), 'utf8'));
  const built = [...JSON.stringify([exports, bin]).matchAll(/dist\/([\w/-]+)\.js/g)];
  return new Set(built.map(([, name]) => `${name}.ts`));
}

/** The folders that each folder imports, those of entry points left out. */
function importsByFolder(files: readonly SourceFile[], entryPoints: ReadonlySet<string>): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    if (entryPoints.has(path)) continue;
    const from = dirname(path);
    const targets = folders.get(from) ?? new Set();
    folders.set(from, targets);
    for (const to of imports.map((imported) =>
      entryPoints.has(imported) ? `entry point ${imported}` : dirname(imported),
    )) {
      if (to !== from) targets.add(to);
    }
  }
  return folders;
}

const found = await Promise.all(
  (await projects()).map(async (project) => {
    const files = await sourceFilesOf(project);
    return { project, folders: importsByFolder(files, await entryPointsOf(project)) };
  }),
);

describe('Folders of a package import in the directions that are allowed', () => {
  test.each(found.filter(({ folders }) => folders.size > 1))('$project', ({ project, folders }) => {
    const allowed = MAY_IMPORT[project] ?? {};
    expect([...folders.keys()].sort(), 'every folder has a line in the table').toEqual(Object.keys(allowed).sort());
    for (const [folder, targets] of folders) {
      const beyond = [...targets].filter((target) => !allowed[folder]?.includes(target));
      expect(beyond, `${folder} imports what it may not`).toEqual([]);
    }
  });

  test('and never in both', () => {
    const pairs = Object.entries(MAY_IMPORT).flatMap(([project, folders]) =>
      Object.entries(folders).flatMap(([folder, targets]) =>
        targets
          .filter((target) => folder < target && folders[target]?.includes(folder))
          .map((target) => `${project}: ${folder}, ${target}`),
      ),
    );
    expect(pairs).toEqual([]);
  });
});
