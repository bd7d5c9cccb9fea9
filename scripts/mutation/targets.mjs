/** What is mutated, and which tests have to notice. */
import { caseFilesOfCache } from './cache-cases.mjs';

/**
 * @import { describe, test } from './runner.mjs'
 *
 * @typedef {object} Target
 * @property {string} directory of the package.
 * @property {(file: string) => boolean} mutates whether mutants are made of this file of `src`.
 * @property {(file: string) => boolean} runs whether this test file of `src` is used.
 * @property {((build: URL, runner: { test: typeof test, describe: typeof describe }) => Promise<void>)[]} declares cases beside those of the test files.
 */

/** Files that hold no code of the product. */
const isHelper = (file) => /\.test\.ts$|^(testing|fakes)\//.test(file);

/**
 * Tests about documents and about a bundle of the sources, which no mutant touches; those over an S3 server, which find too
 * little for their time; and the kit at many set-ups, which runs at fewer instead, from a seed.
 *
 * @type {Readonly<Record<string, ReadonlySet<string>>>}
 */
const LEFT_OUT = {
  block: new Set(['documents.test.ts', 'error-bundled.test.ts']),
  cache: new Set(['backends.test.ts', 'conformance.test.ts', 'write-back/store-outage.test.ts']),
};

export const TARGET_NAMES = Object.keys(LEFT_OUT);

/**
 * @param {string} name of the package.
 * @returns {Target}
 */
export function targetOf(name) {
  const leftOut = LEFT_OUT[name];
  if (leftOut === undefined) throw new Error(`${name} is not one of ${TARGET_NAMES}`);
  return {
    directory: `packages/${name}`,
    mutates: (file) => !isHelper(file),
    runs: (file) => file.endsWith('.test.ts') && !leftOut.has(file),
    declares: name === 'cache' ? caseFilesOfCache : [],
  };
}
