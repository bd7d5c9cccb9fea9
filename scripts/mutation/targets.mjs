/** What is mutated, and which tests have to notice. */
import { caseFilesOfCache } from './cache-cases.mjs';

/**
 * @typedef {object} Target
 * @property {string} directory of the package.
 * @property {(file: string) => boolean} mutates whether mutants are made of this file of `src`.
 * @property {(file: string) => boolean} runs whether this test file of `src` is used.
 * @property {((build: URL, runner: object) => Promise<void>)[]} declares cases beside those of the test files.
 */

/** Files that hold no code of the product. */
const isHelper = (file) => /\.test\.ts$|^(testing|fakes)\//.test(file);

/** Tests about documents, which no mutant touches; and the kit at many set-ups, which runs at fewer instead, from a seed. */
const LEFT_OUT = {
  block: new Set(['documents.test.ts']),
  cache: new Set(['backends.test.ts', 'conformance.test.ts']),
};

/** @type {Record<string, Target>} */
export const TARGETS = Object.fromEntries(
  Object.entries(LEFT_OUT).map(([name, leftOut]) => [
    name,
    {
      directory: `packages/${name}`,
      mutates: (file) => !isHelper(file),
      runs: (file) => file.endsWith('.test.ts') && !leftOut.has(file),
      declares: name === 'cache' ? caseFilesOfCache : [],
    },
  ]),
);
