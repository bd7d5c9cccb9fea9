import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { hasBrowser, launchProfile, type Page } from '@blockyard/browser-testing';
import { startLocalS3 } from '@blockyard/local-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const FOLDER = import.meta.dirname;

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'blockyard-examples-'));
});
afterEach(() => rm(scratch, { recursive: true, maxRetries: 5 }));

/** What the program prints. Rejects unless it ends well. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, VITEST: __, ...own } = process.env;
    execFile(process.execPath, args, { cwd: FOLDER, env: { ...own, ...env } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${args.join(' ')}: ${stdout}${stderr}`));
    });
  });
}

test('a backend of one’s own compresses, and keeps the contract', async () => {
  const output = await run(['own-backend.mjs']);
  expect(output).toMatch(/^4 MiB take \d+ bytes$/m);
  expect(Number(/as far as (\d+) cases tell/.exec(output)?.[1])).toBeGreaterThan(50);
});

test('a copy tells how far it is, up to the end', async () => {
  const output = await run(['copy-with-progress.mjs', join(scratch, 'copy.img')]);
  expect(output).toMatch(/\r\d %: .*\r100 %: 33554432 bytes copied, 234881024 known to be zero\n/s);
  expect(output).toMatch(/copy\.img is the same, after 33554432 bytes$/m);
});

test('a trace shows few large writes for many small ones', async () => {
  const output = await run(['trace.mjs']);
  const [, writes, reads] = /became (\d+), of \d+ sectors in all; 512 reads became (\d+)$/m.exec(output) ?? [];
  expect(Number(writes)).toBeLessThan(1024);
  expect(reads).toBe('0');
  expect(output).toMatch(/ms {2}flush/);
});

test('a machine boots over NBD, reads and writes, where there is one', async () => {
  const isInstalled = (process.env.PATH ?? '').split(delimiter).some((f) => existsSync(join(f, 'qemu-system-x86_64')));
  const output = await run(['boot-over-nbd.mjs']);
  expect(output).toMatch(/^\$ qemu-system-x86_64 .*nbd\+unix:\/\/\/disk\?socket=/m);
  if (!isInstalled && process.env.BLOCKYARD_REQUIRE_TOOLS !== '1') return expect(output).toMatch(/is not installed/);
  expect(output).toMatch(/the machine says: hello from the second sector\nand has written the third sector/);
});

describe('SQLite on a cached volume in S3', () => {
  test('keeps its notes from one process to the next, and through one that is killed', async () => {
    const store = await startLocalS3();
    const env = {
      S3_BUCKET: store.bucket,
      S3_ENDPOINT: store.endpoint,
      AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    try {
      expect(await run(['sqlite/sqlite-on-s3.mjs', 'first'], env)).toMatch(/^1: first\nintegrity: ok$/m);
      await killedAfter(/acknowledged/, ['sqlite/sqlite-on-s3.mjs', 'second'], env);
      expect(await run(['sqlite/sqlite-on-s3.mjs', 'third'], env)).toMatch(
        /^acknowledged: third\n1: first\n2: second\n3: third\nintegrity: ok$/m,
      );
    } finally {
      await store.stop();
    }
  });
});

describe.skipIf(!hasBrowser())('a disk in the browser', () => {
  test('has, when its page is opened again, what was flushed', async () => {
    const server = spawn(process.execPath, ['browser-disk/serve.mjs'], { cwd: FOLDER });
    const url = await new Promise<string>((resolve) =>
      server.stdout.once('data', (data) => resolve(String(data).trim())),
    );
    const context = await launchProfile(join(scratch, 'profile'));
    try {
      let page = await context.newPage();
      await page.goto(url);
      await page.getByText('1048576 sectors of 4096 bytes').waitFor();
      await page.fill('#sector', '1000000');
      await page.fill('#text', 'kept in a browser');
      await press(page, 'write', 'wrote sector 1000000; 4096 bytes are dirty');
      await press(page, 'flush', 'flushed; 0 bytes are dirty');
      await page.close();
      page = await context.newPage();
      await page.goto(url);
      await page.getByText('1048576 sectors of 4096 bytes').waitFor();
      await page.fill('#sector', '1000000');
      await press(page, 'read', 'read sector 1000000');
      expect(await page.inputValue('#text')).toBe('kept in a browser');
      await page.fill('#sector', '1048576');
      await press(page, 'read', /past the end|1048576/);
    } finally {
      await context.close();
      server.kill();
    }
  });
});

async function press(page: Page, button: string, answer: string | RegExp): Promise<void> {
  await page.click(`#${button}`);
  await page.locator('#said').getByText(answer).waitFor();
}

/** Runs the program and kills it as soon as it prints this. */
function killedAfter(seen: RegExp, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: FOLDER, env: { ...process.env, ...env } });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
    if (seen.test(output)) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('close', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(output))));
  });
}
