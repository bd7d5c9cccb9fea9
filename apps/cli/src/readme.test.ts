import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder, runHere, serve } from './testing/cli.js';

const README = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const EXAMPLES = [...README.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block ?? '');
/** Where the README's store is, and what its volumes are called. */
const ENDPOINT = 'http://127.0.0.1:9000';
const BUCKET = 'volumes';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: LocalS3;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startLocalS3({ bucket: BUCKET })]);
});
afterAll(() => Promise.all([folder.remove(), store.stop()]));

test('every example works, in the order of the page', async () => {
  const { accessKeyId, secretAccessKey } = store.credentials;
  const env = { ...process.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const isServer = (block: string) => block.includes('blockyard serve');
  const isAsked = (block: string) => /^(blockyard (upgrade|status|top|explain)|curl) /m.test(block);
  const [servers, asked] = [EXAMPLES.filter(isServer), EXAMPLES.filter(isAsked)];
  const others = EXAMPLES.filter((block) => !isServer(block) && !isAsked(block));
  expect(asked.length).toBeGreaterThan(1);
  expect(others.length).toBeGreaterThan(10);
  // The page in one shell: any command that fails ends it.
  const run = (blocks: readonly string[]) => {
    const script = ['set -eu', `blockyard() { '${process.execPath}' '${MAIN}' "$@"; }`, ...blocks].join('\n');
    return promisify(execFile)('sh', ['-c', script], { cwd: folder.path, env });
  };
  const { stdout } = await run(others.map((block) => block.replaceAll(ENDPOINT, store.endpoint)));
  expect(stdout).toContain('helloequal, 64 MiB compared');
  for (const block of servers) {
    const [, ...args] = block.trim().split(/\s+/);
    const { line, child, ended } = await serve(args.slice(1), { cwd: folder.path });
    expect(line).toMatch(/^nbd/);
    const [, socket = ''] = /--nbd unix:(\S+)/.exec(block) ?? [];
    const answers = await run(asked.filter((each) => each.includes(` ${socket}`) || each.includes(`:${socket} `)));
    const [, pid = child.pid] = /"process": (\d+),\s+"pausedMs": \d/.exec(answers.stdout) ?? [];
    process.kill(Number(pid), 'SIGTERM');
    expect(await ended).toBe(0);
  }
});

test('every command has its section, and every option of a table exists', async () => {
  const { stdout } = await runHere(['--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name ?? '');
  expect(commands.length).toBeGreaterThan(12);
  const helps: string[] = [];
  for (const name of commands) {
    expect(README).toMatch(new RegExp(`^### (.*, )?${name}( |$)`, 'm'));
    helps.push((await runHere([name, '--help'])).stdout);
  }
  const known = helps.join('\n');
  const ours = README.replace(/^curl .*$|NODE_OPTIONS=\S+|npm install --global|\]\(#[^)]*\)/gm, '');
  for (const [option] of ours.matchAll(/--[a-z][a-z-]+/g)) {
    if (option !== '--help') expect(known).toContain(option);
  }
});
