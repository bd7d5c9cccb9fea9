#!/usr/bin/env node
/**
 * What the manifests of published packages have in common comes from one place, the root's: author, repository, homepage, bugs,
 * keywords, provenance; and each README begins with how it is installed. Tarballs have source maps with the sources in them, and
 * so no sources beside them. Without arguments writes what is missing; `--check` only tells of it;
 * `--root DIR` names another clone.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, root: { type: 'string' } } });
const ROOT = values.root ?? fileURLToPath(new URL('..', import.meta.url));
const COMMON = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** What every package is found by. */
const KEYWORDS = ['block-device', 'storage'];
/** Packages for tests alone. */
const FOR_TESTS = ['@blockyard/conformance'];
/** A command is installed for all folders. */
const COMMANDS = ['@blockyard/cli'];

const isCheck = values.check === true;
const stale = published().flatMap((folder) => [mendManifest(folder), mendReadme(folder)].flat());
if (isCheck && stale.length > 0) {
  for (const path of stale) console.error(`${path} is not as the root's manifest has it`);
  console.error('"node scripts/manifests.mjs" mends that');
  process.exitCode = 1;
}

function published() {
  const parents = ['packages', 'apps'].filter((parent) => existsSync(join(ROOT, parent)));
  const folders = parents.flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`));
  return folders.filter((folder) => existsSync(join(ROOT, folder, 'package.json')) && !manifestOf(folder).private);
}

/** @param {string} folder */
function manifestOf(folder) {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
}

/** @param {string} folder */
function mendManifest(folder) {
  const { name, version, description, keywords = [], ...rest } = manifestOf(folder);
  const { author: _a, repository: _r, homepage: _h, bugs: _b, publishConfig, ...others } = rest;
  const files = others.files?.filter((/** @type {string} */ path) => !/^!?src\b/.test(path));
  const mended = {
    name,
    version,
    description,
    keywords: [...new Set([...KEYWORDS, ...keywords])],
    homepage: `${COMMON.homepage}/tree/main/${folder}#readme`,
    bugs: COMMON.bugs,
    repository: { ...COMMON.repository, directory: folder },
    author: COMMON.author,
    ...others,
    files,
    publishConfig: { ...publishConfig, access: 'public', provenance: true },
  };
  return mend(`${folder}/package.json`, () => `${JSON.stringify(mended, undefined, 2)}\n`);
}

/** @param {string} folder */
function mendReadme(folder) {
  const { name } = manifestOf(folder);
  if (COMMANDS.includes(name)) return [];
  const line = `npm install ${FOR_TESTS.includes(name) ? '--save-dev ' : ''}${name}`;
  return mend(`${folder}/README.md`, (text) => {
    if (text.includes(line)) return text;
    // Behind the introduction: before the first example, table or chapter.
    const at = text.search(/^(```|\||## )/m);
    return `${text.slice(0, at)}\`\`\`sh\n${line}\n\`\`\`\n\n${text.slice(at)}`;
  });
}

/** @param {string} path @param {(text: string) => string} change */
function mend(path, change) {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const changed = change(text);
  if (JSON.stringify(parse(path, changed)) === JSON.stringify(parse(path, text))) return [];
  if (!isCheck) writeFileSync(join(ROOT, path), changed);
  return [path];
}

/** A formatter may lay a manifest out in another way. */
function parse(path, text) {
  return path.endsWith('.json') ? JSON.parse(text) : text;
}
