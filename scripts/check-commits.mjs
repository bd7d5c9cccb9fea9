/**
 * Looks at the message of each commit since {@link START}: the subject has at most 72 characters, and a body says why. Where the
 * history does not reach that far back (a shallow clone), the commits that are there are looked at.
 */
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { faultsOf } from './commit-messages.mjs';

/** The last commit that is exempt: what came before had other rules. */
const START = 'a2ed5b2a5df8a6d4091090e595060554b0c2f5ea';

/** @param {readonly string[]} args */
function git(...args) {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 });
}

/** Whether the history holds the commit. @param {string} commit */
function isThere(commit) {
  try {
    git('merge-base', '--is-ancestor', commit, 'HEAD');
    return true;
  } catch {
    return false;
  }
}

/** @returns {boolean} whether the history ends where the clone was cut, rather than at its first commit */
function isShallow() {
  try {
    return git('rev-parse', '--is-shallow-repository').trim() === 'true';
  } catch {
    return false;
  }
}

/** Messages to look at, by commit. @returns {[string, string][]} */
function messages() {
  if (!isThere(START) && !isShallow()) return [];
  const range = isThere(START) ? [`${START}..HEAD`] : ['HEAD'];
  return git('log', '--no-merges', '--format=%h%x00%B%x01', ...range)
    .split('\x01')
    .map((entry) => entry.trim().split('\0'))
    .filter((entry) => entry.length === 2)
    .map(([commit = '', message = '']) => [commit, message]);
}

const found = messages();
const faults = found.flatMap(([commit, message]) => faultsOf(message).map((fault) => `${commit}: ${fault}`));
for (const fault of faults) console.error(fault);
console.log(`${found.length} commit messages, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
