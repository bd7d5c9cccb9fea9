#!/usr/bin/env node
/** Makes packages/backend-NAME from templates/backend: a package that builds, passes the kit, and waits for its medium. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `Usage: npm run new-backend -- NAME [--into DIRECTORY]

Makes DIRECTORY/backend-NAME (default: packages/backend-NAME). NAME is lower case: letters, digits, hyphens.`;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TEMPLATE = join(ROOT, 'templates', 'backend');
const LEFT_OUT = new Set(['node_modules', 'dist', '.turbo', 'coverage']);

const { name, into } = readArguments();
const target = join(into, `backend-${name}`);
if (existsSync(target)) fail(`${target} is there already`, 1);

await mkdir(into, { recursive: true });
await cp(TEMPLATE, target, { recursive: true, filter: (source) => !LEFT_OUT.has(basename(source)) });
for (const path of await filesIn(target)) await giveName(path);
await makePublic(join(target, 'package.json'));
const clone = basename(into) === 'packages' ? dirname(into) : undefined;
if (clone !== undefined) await list(clone);
tellNextSteps();

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { into: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const [given = ''] = positionals;
    if (positionals.length !== 1 || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(given)) throw new Error('one NAME, please');
    return { name: given, into: values.into ?? join(ROOT, 'packages') };
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : error}\n\n${USAGE}`, 2);
  }
}

/** @param {string} message @param {number} exitCode @returns {never} */
function fail(message, exitCode) {
  console.error(`error: ${message}`);
  process.exit(exitCode);
}

async function filesIn(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Puts the name where the template has its own, in the file and in the file's name. */
async function giveName(path) {
  const text = await readFile(path, 'utf8');
  await writeFile(path, named(text));
  const renamed = join(dirname(path), named(basename(path)));
  if (renamed !== path) await rename(path, renamed);
}

function named(text) {
  const pascal = name.replace(/(?:^|-)([a-z0-9])/g, (_match, first) => first.toUpperCase());
  return text.replaceAll('Template', pascal).replaceAll('template', name);
}

async function makePublic(path) {
  const { private: _private, ...manifest } = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Puts the package where a clone lists its packages, so that the tests of the lists go on passing. */
async function list(clone) {
  const page = join(clone, 'docs', 'architecture.md');
  if (existsSync(page)) await writeFile(page, withRow(await readFile(page, 'utf8')));
  const script = join(ROOT, 'scripts', 'manifests.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--root', clone], { encoding: 'utf8' });
  if (status !== 0) fail(stderr, 1);
}

/** A row behind those of the other backends, as wide as they are. */
function withRow(page) {
  const rows = [...page.matchAll(/^\| (`backend-[a-z0-9-]+` +) \| (.*) \|$/gm)];
  const last = rows.at(-1);
  if (last === undefined) return page;
  const [row, first = '', second = ''] = last;
  const cells = [`\`backend-${name}\``.padEnd(first.length), `Block devices on ${name}.`.padEnd(second.length)];
  return page.replace(row, `${row}\n| ${cells.join(' | ')} |`);
}

function tellNextSteps() {
  console.log(`${relative(process.cwd(), target)} is there. Now:

  npm run pnpm -- install
  npm run pnpm -- exec turbo run test --filter=@blockyard/backend-${name}

The first links it into the workspace; the second builds what it needs, and runs its tests, the kit among them.

Then put your medium in the place of src/medium.ts. CONTRIBUTING.md says what else a backend needs.`);
}
