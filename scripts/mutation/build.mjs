/** Makes one build of a package that holds every mutant, each behind a switch. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import { transform } from 'esbuild';

const urlOf = (name) => new URL(`./${name}.mjs`, import.meta.url).href;
/** What the instrumenter puts at the head of each file, and what takes its place. */
const HELPERS = /function stryNS_9fa48\(\) \{[\s\S]*?return isActive\(id\);\n\}/;
const HELPERS_IMPORT = `import { stryActive, stryCover, stryHit } from ${JSON.stringify(urlOf('switches'))};`;
/** @type {ConstructorParameters<typeof Instrumenter>[0]} */
const silent = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
};

/**
 * Makes two builds below `<directory>/.mutation`, of this process alone, beside the package's node_modules, so that what its
 * files import is found: `covering` counts which mutants are come past, which would cost more than the code itself, and
 * `switched` does not. Returns the mutants, in the order of the files, and the names of all files of `src`.
 */
export async function buildMutants(root, target) {
  const source = join(root, target.directory, 'src');
  const out = join(root, target.directory, '.mutation', String(process.pid));
  const names = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts')).sort();
  const files = await Promise.all(
    names.map(async (name) => ({ name, mutate: true, content: await readFile(join(source, name), 'utf8') })),
  );
  const instrumented = await new Instrumenter(silent).instrument(
    files.filter(({ name }) => target.mutates(name)),
    { plugins: null, ignorers: [], excludedMutations: [] },
  );
  const contents = new Map(files.map(({ name, content }) => [name, content]));
  for (const { name, content } of instrumented.files) contents.set(name, content);
  await writeBuild(join(out, 'covering'), contents, 'stryCover($1)');
  await writeBuild(join(out, 'switched'), contents, '0');
  const originals = new Map(files.map(({ name, content }) => [name, content]));
  const mutants = instrumented.mutants.map((mutant) => ({
    id: mutant.id,
    file: mutant.fileName,
    line: mutant.location.start.line + 1,
    column: mutant.location.start.column + 1,
    mutator: mutant.mutatorName,
    replacement: mutant.replacement,
    original: textAt(originals.get(mutant.fileName) ?? '', mutant.location),
  }));
  return { out, mutants, names };
}

/**
 * Stryker's own switches compare strings in an object; in a loop that is most of the time. Here they are a number in a
 * variable. `cover` takes the place of the calls that count.
 */
async function writeBuild(out, contents, cover) {
  for (const [name, content] of contents) {
    const switched = content
      .replace(HELPERS, HELPERS_IMPORT)
      .replaceAll(/stryMutAct_9fa48\("(\d+)"\)/g, '(stryActive === $1 && stryHit())')
      .replaceAll(/stryCov_9fa48\(([^)]*)\)/g, (_, ids) => cover.replace('$1', ids.replaceAll('"', '')));
    const { code } = await transform(switched, { loader: 'ts', target: 'node20', sourcefile: name });
    const path = join(out, name.replace(/\.ts$/, '.js'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, code.replace(/from "vitest"/, `from ${JSON.stringify(urlOf('runner'))}`));
  }
  await writeFile(join(out, 'seed.js'), "import fc from 'fast-check';\nfc.configureGlobal({ seed: 1 });\n");
}

function textAt(content, { start, end }) {
  const lines = content.split('\n').slice(start.line, end.line + 1);
  if (lines.length === 0) return '';
  lines[lines.length - 1] = lines[lines.length - 1].slice(0, end.column);
  lines[0] = lines[0].slice(start.column);
  return lines.join('\n');
}
