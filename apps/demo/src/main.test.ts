import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'blockyard-demo-test-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Starts the built program; sends it `signal` once it prints `at`. */
async function start(args: string[], interrupt?: { readonly at: string; readonly signal: NodeJS.Signals }) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, TMPDIR: directory } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (interrupt !== undefined && !err.includes(interrupt.at) && (err + text).includes(interrupt.at)) {
      child.kill(interrupt.signal);
    }
    err += text;
  });
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  return { exitCode, out, err };
}

describe('The program', () => {
  test.each([
    ['SIGINT', 's3: input', 130],
    ['SIGTERM', 'file: workload', 143],
  ] as const)('stops the store and removes its files on %s', async (signal, at, exitCode) => {
    const ended = await start(['--backend', 'file,s3'], { at, signal });
    expect(ended).toMatchObject({ exitCode, out: '' });
    expect(ended.err).toMatch(/\ninterrupted, cleaning up\n/);
    expect(ended.err).not.toContain('error:');
    expect(await readdir(directory)).toEqual([]);
  });

  test('ends by itself with exit code 1 when something fails, leaving nothing behind', async () => {
    const ended = await start(['--backend', 's3', '--input', directory]);
    expect(ended).toEqual({
      exitCode: 1,
      out: '',
      err: `error: cannot read the input ${directory}: it is no regular file\n`,
    });
  });

  test('goes on to its end, and does not complain, when no one reads its output', async () => {
    const child = spawn(process.execPath, [MAIN, '--help']);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdout.destroy();
    const exitCode = await new Promise((resolve) => child.once('close', resolve));
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  });

  test('serves the page until it is interrupted, then leaves nothing behind', async () => {
    const input = join(directory, 'input');
    await writeFile(input, 'x');
    const args = ['--backend', 'memory', '--input', input, '--page'];
    const ended = await start(args, { at: 'the live page', signal: 'SIGINT' });
    expect(ended.exitCode).toBe(130);
    expect(ended.out).toContain('│ yes');
    expect(ended.err).toMatch(/the live page, until Ctrl-C: http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}\n/);
    expect(ended.err).not.toMatch(/error:|could not/);
    expect(await readdir(directory)).toEqual(['input']);
  });

  test('ends by itself with exit code 2 when it was called in a wrong way', async () => {
    expect(await start(['--nope'])).toMatchObject({ exitCode: 2, out: '' });
  });
});
