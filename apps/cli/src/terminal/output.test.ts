import { writeFile } from 'node:fs/promises';
import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../run.js';
import { makeFolder } from '../testing/cli.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let disk: string;

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('disk.img'), new Uint8Array(65_536));
  disk = `file:${folder.in('disk.img')}`;
});
afterAll(() => folder.remove());

/** The command with a standard output that takes nothing. */
async function runFailing(args: readonly string[], code: string): Promise<{ exitCode: number; stderr: string }> {
  const stdout = new Writable({
    write(_bytes, _encoding, done) {
      done(Object.assign(new Error(`${code}: it went wrong, write`), { code }));
    },
  });
  const stderr = new PassThrough();
  const { signal } = new AbortController();
  const exitCode = await run(args, { stdin: Readable.from([]), stdout, stderr, interruption: signal, force: signal });
  return { exitCode, stderr: await text(stderr.end()) };
}

test.each([['info'], ['info', '--json'], ['map'], ['map', '--json'], ['read']])(
  'a result that cannot be written down is an error: %s %s',
  async (command, ...options) => {
    const { exitCode, stderr } = await runFailing([command, disk, ...options], 'ENOSPC');
    // Under --json it is JSON.
    expect(stderr).toMatch(/^.{0,40}\bcannot write the result: ENOSPC: it went wrong, write\W.*\bhint\b[^\n]+\n$/);
    expect(exitCode).toBe(1);
  },
);

test('a result that no one wants to read to its end is no error', async () => {
  expect(await runFailing(['info', disk], 'EPIPE')).toEqual({ exitCode: 0, stderr: '' });
});
