/**
 * The kit without a test runner, on whatever runtime this is: the memory backend, a cache over it, and the file backend. Prints one
 * line of JSON for each; what failed goes to standard error. `scripts/runtimes/main.mjs` runs it on many.
 */
import { collect, runCases } from './cases.js';
import { SUBJECTS } from './subjects.js';

let failures = 0;
for (const subject of SUBJECTS) {
  const { passed, failed } = await runCases(collect(subject));
  for (const { title, error } of failed) console.error(`${subject.name}: ${title}\n${String(error)}`);
  failures += failed.length;
  console.log(JSON.stringify({ subject: subject.name, passed, failed: failed.length }));
}
process.exitCode = failures === 0 ? 0 : 1;
