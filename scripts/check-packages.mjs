#!/usr/bin/env node
/** Packs every package that is published, as it would be, and lets publint and arethetypeswrong look at the result. Needs a build. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');

/** @returns {Promise<{ ok: boolean, output: string }>} */
function run(program, args, cwd) {
  return new Promise((resolve) => {
    const child = spawn(join(BIN, program), args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
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
  const waiting = published();
  await Promise.all(Array.from({ length: availableParallelism() }, () => work(waiting)));
} finally {
  rmSync(directory, { recursive: true });
}
process.exitCode = failures === 0 ? 0 : 1;

/** Takes one package after the other. */
async function work(waiting) {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { folder, manifest } = next;
    const tarball = join(directory, `${manifest.name.replace('/', '-')}.tgz`);
    const packed = await run('pnpm', ['pack', '--out', tarball], folder);
    const results = [packed];
    if (packed.ok)
      for (const [program, args] of checks(tarball, manifest)) results.push(await run(program, args, ROOT));
    const broken = results.filter(({ ok }) => !ok);
    failures += broken.length;
    console.log(`${broken.length === 0 ? 'good  ' : 'BROKEN'} ${manifest.name}`);
    for (const { output } of broken) console.log(output.replace(/^/gm, '    '));
  }
}
