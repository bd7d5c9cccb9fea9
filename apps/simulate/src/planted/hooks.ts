import { readFile } from 'node:fs/promises';
import type { LoadHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PLANTED_BUGS } from './bugs.js';

const bug = PLANTED_BUGS.find(({ subject }) => subject === process.env.BLOCKYARD_PLANTED_BUG);

/** Loads the package's modules with the bug in them. */
export const load: LoadHook = async (url, context, nextLoad) => {
  if (bug === undefined || !url.includes(`/packages/${bug.packageFolder}/dist/`)) return nextLoad(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  if (!source.includes(bug.code)) return nextLoad(url, context);
  process.stderr.write(`planted: ${bug.name}\n`);
  return { format: 'module', source: source.replace(bug.code, bug.instead), shortCircuit: true };
};
