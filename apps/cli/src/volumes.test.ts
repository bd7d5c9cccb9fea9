import { once } from 'node:events';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDevice } from '@blockyard/block';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { connectNbd, serveNbd } from '@blockyard/nbd';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockyard, makeFolder, type Outcome, runHere, serve, start } from './testing/cli.js';

const SECTOR = 4096;
const MIB = 2 ** 20;
let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: LocalS3;
let env: Record<string, string>;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startLocalS3()]);
  const { accessKeyId, secretAccessKey } = store.credentials;
  env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
});
afterAll(() => Promise.all([folder.remove(), store.stop()]));

const dir = (name: string) => `dir:${folder.in('store')}/${name}`;
const s3 = (name: string) =>
  `s3://${store.bucket}/${name}?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
/** The same volume at a moment. */
const past = (uri: string, moment: string) => uri.replace(/(?=\?)|$/, `@${moment}`);

async function done(words: Promise<Outcome>): Promise<string> {
  const { code, stdout, stderr } = await words;
  expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
  return stdout;
}
const here = (...words: readonly string[]) => done(runHere(words));
const json = async (...words: readonly string[]) => JSON.parse(await here(...words, '--json'));

/** A volume of 16 MiB whose first sector is filled with that. */
async function made(uri: string, value: number): Promise<string> {
  await here('create', uri, '--size', '16M');
  await fill(uri, value);
  return uri;
}

async function fill(uri: string, value: number): Promise<void> {
  const input = folder.in(`fill-${value}`);
  await writeFile(input, new Uint8Array(SECTOR).fill(value));
  await here('write', uri, input);
}

async function firstByteOf(uri: string): Promise<number | undefined> {
  const output = folder.in('first');
  await here('read', uri, output, '--length', '1', '--force');
  return (await readFile(output))[0];
}

describe('the past of a log volume', () => {
  test('is kept, listed, read, cloned, gone back to and given up', async () => {
    const uri = await made(dir('web-1'), 1);
    expect(await here('snapshot', uri, 'daily')).toMatch(/^kept as daily, \d{4}-.*Z\n$/);
    await fill(uri, 2);
    expect(await json('snapshots', uri)).toMatchObject([{ name: 'daily', sizeBytes: 16 * MIB, isDeleting: false }]);
    expect(await here('snapshots', uri)).toMatch(/^name +kept +size\ndaily +\S+Z +16 MiB\n$/);
    expect([await firstByteOf(past(uri, 'daily')), await firstByteOf(uri)]).toEqual([1, 2]);
    expect((await runHere(['compare', uri, past(uri, 'daily')])).code).toBe(1);

    expect(await here('clone', past(uri, 'daily'), dir('tests/web-1'))).toBe('cloned\n');
    await fill(dir('tests/web-1'), 3);
    const refused = await runHere(['delete', past(uri, 'daily')]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/tests\/web-1.*lives on snapshot daily.*hint/),
    });

    expect(await here('rollback', past(uri, 'daily'))).toBe('rolled back\n');
    expect([await firstByteOf(uri), await firstByteOf(dir('tests/web-1'))]).toEqual([1, 3]);
    expect(await here('compact', uri)).toBe('compacted\n');
    expect(await json('delete', dir('tests/web-1'))).toEqual({ deleted: true });
    await here('delete', past(uri, 'daily'));
    expect(await json('snapshots', uri)).toEqual([]);
    await here('delete', uri);
    expect(await runHere(['info', uri])).toMatchObject({ code: 1, stderr: expect.stringContaining('no volume here') });
  });

  test('is what a time says, and only read', async () => {
    const uri = await made(dir('timed'), 1);
    await here('snapshot', uri, 'before');
    const [{ created }] = await json('snapshots', uri);
    while (Date.now() <= Date.parse(created)) await new Promise((resolve) => setImmediate(resolve));
    await fill(uri, 2);
    expect(await firstByteOf(past(uri, created))).toBe(1);
    const written = await runHere(['write', past(uri, created), folder.in('fill-1')]);
    expect(written).toMatchObject({ code: 1, stderr: expect.stringContaining('the past is only read') });
    const early = await runHere(['info', past(uri, '2001-01-31T12:00Z')]);
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing is kept of 2001') });
  });

  test('is served for reading', async () => {
    const uri = await made(dir('past-served'), 1);
    await here('snapshot', uri, 'daily');
    const socket = folder.in('past.sock');
    const server = await serve([past(uri, 'daily'), '--nbd', `unix:${socket}`]);
    await using device = await connectNbd(`nbd+unix:///?socket=${socket}`);
    expect(device.info.readOnly).toBe(true);
    await fill(uri, 2);
    const bytes = new Uint8Array(SECTOR);
    await device.read(0, [bytes]);
    expect(bytes[0]).toBe(1);
    await device.disconnect();
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  test('is copied to a volume of the other layout, and to a file', async () => {
    const uri = await made(dir('copied'), 1);
    await here('snapshot', uri, 'daily');
    await fill(uri, 2);
    const file = `file:${folder.in('copied.img')}`;
    await here('copy', past(uri, 'daily'), file, '--create', '--verify');
    expect((await readFile(folder.in('copied.img')))[0]).toBe(1);
    const chunks = s3('copied');
    await done(blockyard(['copy', past(uri, 'daily'), chunks, '--create', '--layout', 'chunks', '--verify'], { env }));
    const info = JSON.parse(await done(blockyard(['info', chunks, '--json'], { env })));
    expect(info).toMatchObject({ layout: 'chunks', sectorSize: SECTOR, sizeBytes: 16 * MIB });
    const log = s3('copied-log');
    await done(blockyard(['copy', uri, log, '--create', '--verify'], { env }));
    expect(JSON.parse(await done(blockyard(['info', log, '--json'], { env })))).toMatchObject({ layout: 'log' });
    const resumed = ['copy', uri, log, '--create', '--resume', '--layout'];
    expect(await blockyard([...resumed, 'chunks'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is of layout log, and not of chunks (hint: it is not what this copy left'),
    });
    await done(blockyard([...resumed, 'log'], { env }));
  });
});

describe('a volume that is served', () => {
  test.each([
    ['in S3', () => s3('served')],
    ['in a directory', () => dir('served')],
  ])('%s is looked at, kept and cloned without disturbing that, and changed by no one else', async (_, uriOf) => {
    const uri = uriOf();
    const run = (...words: string[]) => blockyard(words, { env });
    await done(run('create', uri, '--size', '16M', '--layout', 'log'));
    const socket = folder.in('served.sock');
    const server = await serve([uri, '--cache', '4M', '--nbd', `unix:${socket}`], { env });
    const device = await connectNbd(`nbd+unix:///?socket=${socket}`);
    await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
    await device.flush();
    await done(run('snapshot', uri, 'daily'));
    await device.write(0, [new Uint8Array(SECTOR).fill(2)]);
    await device.flush();
    const clone = uri.replace('served', 'served-clone');
    await done(run('clone', past(uri, 'daily'), clone));
    await done(run('compare', past(uri, 'daily'), clone));
    const info = JSON.parse(await done(run('info', uri, '--json')));
    expect(info).toMatchObject({
      layout: 'log',
      isEncrypted: false,
      heldBy: { process: server.child.pid, state: 'alive' },
      snapshots: [{ name: 'daily' }],
      checkpoint: { ageMs: null, segmentsBehind: 2 },
      cloneOf: null,
    });
    const checked = JSON.parse(await done(run('check', uri, '--json')));
    expect(checked).toMatchObject({ ok: true, readBytes: expect.any(Number), volume: { problems: [], orphans: [] } });
    for (const words of [
      ['rollback', past(uri, 'daily')],
      ['compact', uri],
      ['delete', uri],
    ]) {
      const refused = await run(...words);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toMatch(new RegExp(`open for writing by process ${server.child.pid} .*--take-over`));
    }
    await device.write(1, [new Uint8Array(SECTOR).fill(3)]);
    await device.flush();
    await device.write(2, [new Uint8Array(SECTOR).fill(4)]);
    await done(run('rollback', past(uri, 'daily'), '--take-over'));
    // The next flush finds out, if nothing did before.
    await device.flush().catch(() => {});
    expect(await server.ended).toBe(3);
    expect(server.stderr()).toMatch(/error: data is lost/);
    await device.disconnect({ force: true });
    const read = await run('read', uri, '--length', '8192');
    expect([read.stdout.charCodeAt(0), read.stdout.charCodeAt(SECTOR)]).toEqual([1, 0]);
  });
});

describe('list', () => {
  test('has volumes of both layouts with what they take and who has them', async () => {
    const run = (...words: string[]) => blockyard(words, { env });
    await done(run('create', s3('listed/log'), '--size', '16M', '--layout', 'log'));
    await done(run('create', s3('listed/chunks'), '--size', '8M', '--chunk', '64K'));
    await done(run('snapshot', s3('listed/log'), 'daily'));
    const listed = JSON.parse(await done(run('list', s3('listed'), '--json')));
    expect(listed).toMatchObject([
      { prefix: 'listed/chunks', layout: 'chunks', sizeBytes: 8 * MIB, holder: null },
      { prefix: 'listed/log', layout: 'log', sizeBytes: 16 * MIB, holder: null, snapshots: [{ name: 'daily' }] },
    ]);
    const text = await done(run('list', s3('listed')));
    expect(text).toMatch(/^volume +layout +size +stored +snapshots +open for writing\n/);
    expect(text).toMatch(/^listed\/chunks +chunks +8 MiB +\S+ .?B +- +no$/m);
    expect(text).toMatch(/^listed\/log +log +16 MiB +\S+ .*B +1 +no$/m);
    expect(await done(run('list', s3('nothing')))).toBe('');
  });

  test('tells of a damaged volume what is wrong with it', async () => {
    await made(`dir:${folder.in('damaged')}/a`, 1);
    const root = join(folder.in('damaged'), 'a', 'volume.json@1');
    const bytes = await readFile(root);
    bytes[bytes.length - 5] = 0;
    await writeFile(root, bytes);
    expect(await json('list', `dir:${folder.in('damaged')}`)).toMatchObject([
      { prefix: 'a', error: { code: 'CORRUPT' } },
    ]);
    expect(await here('list', `dir:${folder.in('damaged')}`)).toMatch(/^a +\? +\? .*CORRUPT: /m);
  });
});

describe('info', () => {
  test('of a log tells what it takes, its checkpoint and its snapshots', async () => {
    const uri = await made(dir('told'), 1);
    await here('snapshot', uri, 'daily');
    const text = await here('info', uri);
    expect(text).toMatch(/^layout +log$/m);
    expect(text).toMatch(/^encrypted +no$/m);
    expect(text).toMatch(/^stored +.* in \d+ objects, .* of them the map$/m);
    expect(text).toMatch(/^in use +4 KiB, /m);
    expect(text).toMatch(/^checkpoint +\d+ s old, 0 segments behind it$/m);
    expect(text).toMatch(/^snapshots +daily$/m);
    expect(await json('info', uri)).toMatchObject({
      space: { liveBytes: SECTOR },
      checkpoint: { segmentsBehind: 0, ageMs: expect.any(Number) },
    });
    await here('clone', past(uri, 'daily'), dir('told-clone'));
    expect(await here('info', dir('told-clone'))).toMatch(/^clone of +told@daily, shares 4.\d+ KiB of objects$/m);
    const checked = await runHere(['check', dir('told-clone')]);
    expect(checked.stderr).toMatch(/^check objects .*100% \| (4.\d+ KiB) of \1 \|/m);
  });
});

describe('check', () => {
  test('finds what is damaged in a store, and what is left over', async () => {
    const uri = await made(`dir:${folder.in('checked')}/a`, 1);
    expect(await here('check', uri)).toMatch(/^1 object checked, .* 0 faulty, orphans: none\nread .*, no fault\n$/);
    const segments = join(folder.in('checked'), 'a', 'log');
    const [name = ''] = await readdir(segments);
    const bytes = await readFile(join(segments, name));
    const at = bytes.indexOf(Buffer.alloc(SECTOR, 1));
    bytes[at + 10] = 9;
    await writeFile(join(segments, name), bytes);
    const faulty = await runHere(['check', uri, '--json']);
    expect(faulty.code).toBe(1);
    expect(JSON.parse(faulty.stdout)).toMatchObject({
      ok: false,
      faults: [{ offsetBytes: 0, code: 'CORRUPT' }],
      volume: { problems: [{ url: expect.stringContaining('/a/log/'), code: 'CORRUPT' }] },
    });
  });
});

describe('a volume that has lost an object', () => {
  test.each([
    ['the directory of its map', 'map', (file: string) => rm(file)],
    ['a part of a segment', 'log', (file: string) => truncate(file, 1000)],
  ])('%s, is listed, checked and deleted', async (_, kind, damage) => {
    const uri = await made(`dir:${folder.in(`lost-${kind}`)}/a`, 1);
    const objects = join(folder.in(`lost-${kind}`), 'a', kind);
    const last = (await readdir(objects)).sort().at(-1) ?? '';
    await damage(join(objects, last));
    expect(await here('list', `dir:${folder.in(`lost-${kind}`)}`)).toMatch(/^a /m);
    const checked = await runHere(['check', uri, '--json']);
    expect(checked.code).toBe(1);
    const [report = ''] = checked.stdout.split(/\n(?=\{"error)/);
    expect(JSON.parse(report)).toMatchObject({
      ok: false,
      volume: { problems: [{ code: 'CORRUPT', message: expect.stringContaining(last.slice(0, -2)) }] },
    });
    const read = await runHere(['read', uri, folder.in('lost.bin'), '--force']);
    expect(read).toMatchObject({ code: 1, stderr: expect.stringMatching(/a\/(map|log)\/.*blockyard check/) });
    await here('delete', uri);
    expect(await here('list', `dir:${folder.in(`lost-${kind}`)}`)).toBe('');
  });
});

describe('an encrypted volume', () => {
  test('is made with a passphrase in a file, and read with it alone', async () => {
    const file = folder.in('passphrase');
    await writeFile(file, 'correct horse battery staple\n');
    const uri = dir('secret');
    const wanting = await runHere(['create', uri, '--size', '16M', '--encrypt']);
    expect(wanting).toMatchObject({ code: 2, stderr: expect.stringContaining('takes a passphrase') });
    await here('create', uri, '--size', '16M', '--encrypt', '--passphrase-file', file);
    const opened = `${uri}?passphrase-file=${file}`;
    await fill(opened, 7);
    expect(await firstByteOf(opened)).toBe(7);
    expect(await json('info', opened)).toMatchObject({ isEncrypted: true });
    const refused = await runHere(['info', uri]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/encrypted.*\?passphrase-file=/) });
    const chunks = await runHere(['create', s3('no'), '--size', '1M', '--layout', 'chunks', '--passphrase-file', file]);
    expect(chunks).toMatchObject({ code: 2, stderr: expect.stringContaining('layout log') });
  });
});

describe('a copy that was interrupted', () => {
  test('is gone on with, and only what is missing is written', async () => {
    const contents = new Uint8Array(8 * MIB).fill(5);
    await writeFile(folder.in('from.img'), contents);
    const from = `file:${folder.in('from.img')}`;
    const to = dir('resumed');
    await here('create', to, '--size', '8M', '--sector', '512');
    await here('copy', from, to, '--length', '3M');
    const refused = await runHere(['copy', from, to, '--create']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--resume goes on with a copy') });
    expect(await json('copy', from, to, '--create', '--resume', '--verify')).toMatchObject({
      copiedBytes: 5 * MIB,
      equalBytes: 3 * MIB,
      verified: true,
    });
    expect(await here('copy', from, to, '--create', '--resume')).toContain('8 MiB were there already');
  });

  test('makes the target if it had not come so far, and leaves one alone that is of another size', async () => {
    await writeFile(folder.in('small.img'), new Uint8Array(MIB).fill(5));
    const from = `file:${folder.in('small.img')}`;
    expect(await json('copy', from, dir('begun'), '--create', '--resume')).toMatchObject({
      copiedBytes: MIB,
      equalBytes: 0,
    });
    const other = await made(dir('of-another-size'), 1);
    const refused = await runHere(['copy', from, other, '--create', '--resume']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('would have made one of 1048576') });
    expect(await firstByteOf(other)).toBe(1);
    expect((await runHere(['copy', from, other, '--resume'])).code).toBe(2);
  });

  test('by a signal is gone on with too', async () => {
    const sizeSectors = (4 * MIB) / SECTOR;
    const heldFrom = sizeSectors / 2;
    let open = () => {};
    let arrive = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const source = createDevice({
      name: 'held',
      sectorSize: SECTOR,
      sizeSectors,
      read: async (start, buffers) => {
        for (const buffer of buffers) buffer.fill(5);
        if (start < heldFrom) return;
        arrive();
        await gate;
      },
      write: async () => {},
      flush: async () => {},
      resize: async () => {},
      disconnect: async () => {},
    });
    const path = folder.in('held.sock');
    const server = await serveNbd({ exports: { '': source }, listen: { path }, ownsDevices: true });
    const [from, to] = [`nbd+unix:///?socket=${path}`, dir('interrupted')];
    const child = start(['copy', from, to, '--create', '--concurrency', '1']);
    const closed = once(child, 'close');
    await arrived;
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
    open();
    expect(await json('copy', from, to, '--create', '--resume', '--verify')).toMatchObject({
      copiedBytes: 2 * MIB,
      equalBytes: 2 * MIB,
      verified: true,
    });
    await server.stop();
  });

  test('into a clone, it writes what differs alone', async () => {
    const uri = await made(dir('origin'), 1);
    await here('snapshot', uri, 'daily');
    await here('clone', past(uri, 'daily'), dir('origin-clone'));
    await fill(uri, 2);
    expect(await json('copy', uri, dir('origin-clone'), '--skip-equal', '--verify')).toMatchObject({ verified: true });
    expect(await firstByteOf(dir('origin-clone'))).toBe(2);
    expect(await json('copy', uri, dir('origin-clone'), '--skip-equal')).toMatchObject({ copiedBytes: 0 });
  });
});
