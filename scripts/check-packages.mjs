#!/usr/bin/env node
/** Packs every package that is published, as it would be, and lets publint and arethetypeswrong look at the result. Needs a build. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');

function run(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(join(BIN, program), args, { cwd, encoding: 'utf8' });
  return { ok: status === 0, output: error?.message ?? `${stdout}${stderr}`.trim() };
}

function published() {
  const folders = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(ROOT, parent)).map((name) => join(ROOT, parent, name)),
  );
  return folders
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => manifest.private !== true);
}

function checks(tarball, { exports = {} }) {
  const checking = [['publint', ['run', tarball, '--strict']]];
  // What exports no types (a command) has none that could be wrong.
  if ('.' in exports) checking.push(['attw', [tarball, '--profile', 'esm-only', '--quiet']]);
  return checking;
}

const directory = mkdtempSync(join(tmpdir(), 'blockyard-pack-'));
let failures = 0;
try {
  for (const { folder, manifest } of published()) {
    const tarball = join(directory, `${manifest.name.replace('/', '-')}.tgz`);
    const packed = run('pnpm', ['pack', '--out', tarball], folder);
    const results = packed.ok ? checks(tarball, manifest).map(([program, args]) => run(program, args, ROOT)) : [packed];
    const broken = results.filter(({ ok }) => !ok);
    failures += broken.length;
    console.log(`${broken.length === 0 ? 'good  ' : 'BROKEN'} ${manifest.name}`);
    for (const { output } of broken) console.log(output.replace(/^/gm, '    '));
  }
} finally {
  rmSync(directory, { recursive: true });
}
process.exitCode = failures === 0 ? 0 : 1;
