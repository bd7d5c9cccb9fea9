import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeSocket } from './serve/socket-activation.js';
import { blockyard, makeFolder } from './testing/cli.js';
import { havePrograms, runProgram } from './testing/programs.js';

const DEPLOY = fileURLToPath(new URL('../deploy', import.meta.url));
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let folder: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());

test.skipIf(!havePrograms(['systemd-analyze']))('systemd finds nothing wrong with the units', async () => {
  for (const unit of readdirSync(join(DEPLOY, 'systemd'))) {
    const text = readFileSync(join(DEPLOY, 'systemd', unit), 'utf8');
    // The command need not be installed here.
    writeFileSync(folder.in(unit), text.replace('/usr/bin/blockyard', process.execPath));
  }
  const units = ['service', 'socket'].map((kind) => folder.in(`blockyard@web-1.${kind}`));
  for (const unit of units) copyFileSync(unit.replace('web-1', ''), unit);
  const script = `systemd-analyze verify --man=no --recursive-errors=no ${units.join(' ')} 2>&1`;
  expect(await runProgram('sh', '-c', script)).toBe('');
});

test('the image is made from the locked dependencies, by the pinned package manager, and does not run as root', () => {
  const lines = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8').split('\n');
  const { packageManager } = JSON.parse(readFileSync(join(DEPLOY, '../../../package.json'), 'utf8'));
  const text = lines.join('\n');
  expect(text).toContain('install --frozen-lockfile');
  for (const [, manager] of text.matchAll(/npx --yes (\S+)/g)) expect(manager).toBe(packageManager);
  const last = lines.slice(lines.lastIndexOf('FROM node:22-bookworm-slim'));
  expect(
    last.filter((line) => /^(USER|HEALTHCHECK|ENTRYPOINT|STOPSIGNAL)/.test(line)).map((line) => line.split(' ')[0]),
  ).toEqual(['USER', 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT']);
});

test('a socket is taken where it was passed to this process, and to no other', () => {
  const nbd = { path: '/run/a.sock' };
  const passed = (variables: Record<string, string>) => {
    const env: NodeJS.ProcessEnv = { ...variables, OTHER: '1' };
    const listen = takeSocket(nbd, env, 17);
    expect(env).toEqual({ OTHER: '1' });
    return listen;
  };
  expect(passed({})).toBe(nbd);
  expect(passed({ LISTEN_PID: '16', LISTEN_FDS: '1' })).toBe(nbd);
  expect(passed({ LISTEN_PID: '17', LISTEN_FDS: '1', LISTEN_FDNAMES: 'a' })).toEqual({ fd: 3, path: '/run/a.sock' });
  expect(takeSocket({ host: '::1', port: 1 }, { LISTEN_PID: '17', LISTEN_FDS: '1' }, 17)).toEqual({ fd: 3 });
  expect(() => passed({ LISTEN_PID: '17', LISTEN_FDS: '2' })).toThrow('has passed 2 sockets');
});

test.skipIf(!havePrograms(['systemd-socket-activate']))(
  'a server that systemd starts for its first client serves it, and is upgraded with its socket',
  async () => {
    const [image, socket] = [folder.in('disk.img'), folder.in('activated.sock')];
    await blockyard(['create', `file:${image}`, '--size', '1M']);
    const command = [
      process.execPath,
      MAIN,
      'serve',
      `file:${image}`,
      '--nbd',
      `unix:${socket}`,
      '--log-format',
      'text',
    ];
    const activated = spawn('systemd-socket-activate', ['--listen', socket, ...command]);
    try {
      let told = '';
      activated.stderr.setEncoding('utf8').on('data', (text: string) => {
        told += text;
      });
      await expect.poll(() => told, { timeout: 30_000 }).toContain('Listening on');
      const client = await connectNbd(`nbd+unix:///?socket=${socket}`);
      const exited = once(activated, 'exit');
      const upgraded = await blockyard(['upgrade', '--nbd', `unix:${socket}`, '--json']);
      expect(upgraded.code, upgraded.stderr).toBe(0);
      expect(await exited).toEqual([0, null]);
      await client.write(0, [new Uint8Array(512).fill(7)]);
      await client.flush();
      expect((await blockyard(['upgrade', '--nbd', `unix:${socket}`, '--dry-run'])).code).toBe(0);
      await client.disconnect();
      process.kill(JSON.parse(upgraded.stdout).process, 'SIGTERM');
      await expect.poll(() => told, { timeout: 30_000 }).toContain('stopped, everything is flushed');
    } finally {
      activated.kill('SIGKILL');
    }
  },
);
