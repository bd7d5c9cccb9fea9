import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './run-program.js';

/** Idioms that a reader has to read twice, each with what to write instead. */
const IDIOMS: readonly (readonly [idiom: RegExp, instead: string])[] = [
  [/\bwho(m)?ever\b/i, 'the caller, the client, anyone who'],
  [/\bsomebody\b/i, 'a client, another process, someone'],
  [/\bnobody\b/i, 'no one, nothing'],
  [/\bany more\b(?! (than|of))/i, 'no longer'],
  [/\bwell or not\b/i, 'completed or failed'],
  [/\bthat (is|are) none\b/i, 'that is not a ...'],
  [/\bwhat becomes of\b/i, 'the outcome of'],
  [/\bcomes? to count\b/i, 'counts'],
  [/\bha(s|ve|d) (its|their) turn\b/i, 'yields to the event loop'],
  [/\b(give|make)s? way\b/i, 'yields, is evicted, is displaced'],
];

/** This file lists them, and the word list names what its words replace. */
const EXEMPT = ['docs/src/words.test.ts', 'CONTRIBUTING.md'];

/** All text that people read: pages, and sources with their comments and messages. */
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => /\.(md|ts|mjs|sh)$|^\.ci\/run$/.test(file) && !EXEMPT.includes(file));

test('No page, comment or message has one of the ten worst idioms', async () => {
  expect(files.length).toBeGreaterThan(500);
  const hits: string[] = [];
  for (const file of files) {
    const text = await readFile(join(ROOT, file), 'utf8').catch(() => '');
    for (const [index, line] of text.split('\n').entries()) {
      for (const [idiom, instead] of IDIOMS) {
        if (idiom.test(line)) hits.push(`${file}:${index + 1}: ${line.trim()} (instead: ${instead})`);
      }
    }
  }
  expect(hits).toEqual([]);
});

test('Each idiom is found where it is, and nowhere else', () => {
  const sentence =
    'Nobody waits any more; whoever comes, somebody gives way; what becomes of it, well or not, comes to count.';
  const others = 'One that is none has its turn.';
  for (const [idiom] of IDIOMS) expect(idiom.test(`${sentence} ${others}`), String(idiom)).toBe(true);
  const plain = 'No one needs any more than that; if there is none, the caller waits no longer.';
  expect(IDIOMS.filter(([idiom]) => idiom.test(plain))).toEqual([]);
});
