import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeFolder, runHere, serve } from './testing/cli.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let folder: Awaited<ReturnType<typeof makeFolder>>;
let made = 0;

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());

/** A new volume, and a folder for its tier that is not there. */
async function makeScene(): Promise<{ readonly uri: string; readonly tier: string; readonly nbd: string }> {
  const name = String(made++);
  await mkdir(folder.in(name));
  const uri = `dir:${folder.in(name)}/store/web-1`;
  expect(await runHere(['create', uri, '--size', '8M'])).toMatchObject({ code: 0 });
  return { uri, tier: folder.in(`${name}/tier`), nbd: `unix:${folder.in(name)}/nbd.sock` };
}

describe('serve with a tier', () => {
  test('sets it up, tells how large it is, and refuses another server, which can have it afterwards', async () => {
    const { uri, tier, nbd } = await makeScene();
    const options = ['--tier', tier, '--tier-size', '16M'];
    const first = await serve([uri, ...options, '--nbd', nbd]);
    expect(first.stderr()).toMatch(/^tier .*\/tier: an object cache of \d+(\.\d+)? MiB$/m);
    const second = await runHere(['serve', uri, ...options, '--take-over', '--nbd', `${nbd}2`]);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^error: tier .*: another process has it.*\(hint: end that process first/);
    const read = await runHere(['read', `${uri}?tier=${tier}`]);
    expect(read.stderr).toContain('another process has it');
    expect(await runHere(['compare', first.line, uri])).toMatchObject({ code: 0 });
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(first.stderr()).not.toContain('lost');
    expect(await runHere(['compare', `${uri}?tier=${tier}`, uri])).toMatchObject({ code: 0 });
    expect((await stat(`${tier}/object-cache`)).size).toBe(12 * 2 ** 20);
  });

  test('of what has no objects that never change says that there is nothing to keep', async () => {
    const { tier, nbd } = await makeScene();
    const uri = `file:${tier}.img`;
    expect(await runHere(['create', uri, '--size', '1M'])).toMatchObject({ code: 0 });
    const server = await serve([uri, '--tier', tier, '--nbd', nbd]);
    expect(server.stderr()).toMatch(/^warning: tier .* keeps nothing: this is no log volume/m);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  test.each([
    ['--tier-size alone', ['--tier-size', '1G'], '--tier-size goes with --tier'],
    ['--durability alone', ['--durability', 'local'], '--durability goes with --tier'],
    ['a size that is too small', ['--tier', 'DIR', '--tier-size', '1M'], 'size of a tier must be'],
    ['a folder without a name', ['--tier', ''], '--tier must be the path of a folder'],
  ])('%s is wrong usage', async (_, options, message) => {
    const { uri, tier, nbd } = await makeScene();
    const given = options.map((option) => option.replace('DIR', tier));
    const ended = await runHere(['serve', uri, ...given, '--nbd', nbd]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
    await expect(stat(tier)).rejects.toThrow('ENOENT');
  });

  test('in a folder that is a file, or without room, says so', async () => {
    const { uri, tier, nbd } = await makeScene();
    await writeFile(tier, '');
    const file = await runHere(['serve', uri, '--tier', tier, '--nbd', nbd]);
    expect(file).toMatchObject({ code: 2, stderr: expect.stringContaining('is no folder') });
    const vast = await runHere(['serve', uri, '--tier', `${tier}-2`, '--tier-size', '8000T', '--nbd', nbd]);
    expect(vast).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: tier .*no room.*hint: make room/) });
  });

  test('in a folder that is not to be written says so', async () => {
    const { uri, tier, nbd } = await makeScene();
    await mkdir(tier, { mode: 0o555 });
    // Another user can read the volume, and nothing keeps root from writing.
    const asOther = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    await chmod(folder.path, 0o755);
    const args = [MAIN, 'serve', uri, '--read-only', '--tier', tier, '--nbd', nbd, '--log-format', 'text'];
    const child = spawn(process.execPath, args, { ...asOther, env: { ...process.env, NODE_PATH: '' } });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: tier .*EACCES.*hint: the folder of a tier must be yours/);
  });
});

describe('a server with --durability local', () => {
  test('that is killed leaves what it flushed on the tier, of which every command knows', async () => {
    const { uri, tier, nbd } = await makeScene();
    const local = ['--tier', tier, '--tier-size', '16M', '--durability', 'local'];
    const server = await serve([uri, ...local, '--cache', '4M', '--json', '--nbd', nbd]);
    const { uri: line, durability } = JSON.parse(server.line);
    expect(durability).toEqual({ write: 'memory', flush: 'local' });
    expect(server.stderr()).toMatch(/^tier .*: a write log of \d.*MiB$/m);
    expect(server.stderr()).toContain('durability: what is written is in memory, what is flushed is on a local disk\n');
    const device = await connectNbd(line, { maxOutageMs: 0 });
    await device.write(0, [new Uint8Array(4096).fill(7)]);
    await device.flush();
    const beside = JSON.parse((await runHere(['info', uri, '--json'])).stdout);
    expect(beside).toMatchObject({
      durability: { flush: 'local' },
      tier: { directory: tier, found: 'own', undrained: { bytes: 4096, changes: 1 } },
    });
    server.child.kill('SIGKILL');
    await server.ended;
    await device.disconnect({ force: true });

    for (const command of [
      ['serve', uri, '--nbd', nbd],
      ['serve', uri, '--tier', `${tier}-2`, '--nbd', nbd],
      ['copy', uri, 'file:copy.img', '--create'],
      ['delete', uri],
    ]) {
      const refused = await runHere(command);
      expect(refused).toMatchObject({ code: 4, stdout: '' });
      expect(refused.stderr).toMatch(/^error: .*which was at .*:\S+\/tier from .*hint: .*--accept-loss/);
    }
    const { stdout } = await runHere(['info', uri]);
    expect(stdout).toMatch(/^tier +[0-9a-f]{32}, at .*\/tier since /m);
    expect(stdout).toMatch(/^not in the store +4 KiB in 1 change, the oldest \d+ s old$/m);
    const other = await runHere(['info', uri, '--tier', `${tier}-2`]);
    expect(other.stdout).toMatch(/^that tier +is not in .*tier-2$/m);

    expect(await runHere(['drain', uri, '--tier', tier])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^drained: 4 KiB in 1 change/),
    });
    const read = await runHere(['read', uri, '--length', '1']);
    expect(read).toMatchObject({ code: 0, stdout: '\x07' });
    expect((await runHere(['info', uri])).stdout).toMatch(/^tier +not needed$/m);
    expect(await runHere(['drain', uri])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing to drain'),
    });
  });

  test('whose tier is given up says how much that is', async () => {
    const { uri, tier, nbd } = await makeScene();
    const server = await serve([uri, '--tier', tier, '--tier-size', '16M', '--durability', 'local', '--nbd', nbd]);
    const device = await connectNbd(server.line, { maxOutageMs: 0 });
    await device.write(0, [new Uint8Array(4096).fill(7)]);
    await device.flush();
    server.child.kill('SIGKILL');
    await server.ended;
    await device.disconnect({ force: true });
    const read = await runHere(['read', `${uri}?accept-loss=true`, '--length', '1']);
    expect(read).toEqual({ code: 0, stdout: '\0', stderr: '' });
    const deleted = await runHere(['delete', `${uri}`, '--accept-loss']);
    expect(deleted).toMatchObject({ code: 0 });
  });
});
