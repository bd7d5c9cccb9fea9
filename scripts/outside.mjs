#!/usr/bin/env node
/**
 * Shows that the command takes a backend from outside: packs the template, the command and all that they need, as they would be
 * published, and goes from an empty folder to a served device in five commands. Needs a build, and a registry for libraries.
 * `--linked` puts links to what is built in the place of the installation: seconds, and no registry.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const URI = 'template:disk';
const PACKAGES = ['apps/cli', 'templates/backend'];
const SERVE = ['serve', URI, '--nbd', 'unix:disk.sock'];

const { values } = parseArgs({ options: { linked: { type: 'boolean', default: false } } });
const place = mkdtempSync(join(tmpdir(), 'blockyard-outside-'));
try {
  const folder = join(place, 'empty');
  mkdirSync(folder);
  run('npm', ['init', '--yes'], folder);
  if (values.linked) link(PACKAGES, folder);
  else run('npm', ['install', '--no-audit', '--no-fund', ...pack(PACKAGES)], folder);
  run('npx', ['blockyard', 'create', URI, '--size', '64M'], folder);
  await serving(folder, () => run('npx', ['blockyard', 'info', 'nbd+unix:///?socket=disk.sock'], folder));
} finally {
  rmSync(place, { recursive: true });
}

/** Tarballs of packages, and of all of the workspace that they depend on. */
function pack(folders) {
  const folderOf = new Map(
    readdirSync(join(ROOT, 'packages')).map((name) => [manifestOf(`packages/${name}`).name, `packages/${name}`]),
  );
  const wanted = new Set(folders);
  for (const folder of wanted) {
    const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = folderOf.get(name);
      if (found !== undefined) wanted.add(found);
    }
  }
  return [...wanted].map((folder) => {
    const tarball = join(place, `${folder.replace('/', '-')}.tgz`);
    run(join(ROOT, 'node_modules', '.bin', 'pnpm'), ['pack', '--out', tarball], join(ROOT, folder), 'ignore');
    return tarball;
  });
}

/** As an installation leaves it, with links in the place of copies. */
function link(packages, folder) {
  const modules = join(folder, 'node_modules');
  const put = (target, path) => {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  };
  for (const path of packages) {
    const { name, bin = {} } = manifestOf(path);
    put(join(ROOT, path), join(modules, name));
    for (const [program, file] of Object.entries(bin))
      put(join('..', name, String(file)), join(modules, '.bin', program));
  }
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
}

/** @param {string} program @param {string[]} args @param {string} cwd @param {'inherit' | 'ignore'} stdout */
function run(program, args, cwd, stdout = 'inherit') {
  if (stdout === 'inherit') console.log(`\n$ ${program} ${args.map(shown).join(' ')}`);
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', stdout, 'inherit'] });
  if (status !== 0) throw error ?? new Error(`${program} ended with ${status}`);
}

function shown(arg) {
  return arg.startsWith(place) ? arg.slice(place.length + 1) : arg;
}

/** Serves the device for the time of `body`, from when its address is printed. */
async function serving(cwd, body) {
  console.log(`\n$ npx blockyard ${SERVE.join(' ')}`);
  const server = spawn(process.execPath, [join(cwd, 'node_modules', '.bin', 'blockyard'), ...SERVE], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(server, 'close');
  const [line] = await Promise.race([once(server.stdout, 'data'), ended]);
  console.log(String(line).trim());
  try {
    body();
  } finally {
    server.kill('SIGTERM');
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`the server ended with ${code}`);
}
