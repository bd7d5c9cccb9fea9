import { open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockyard, makeFolder, runHere, start } from './testing/cli.js';

const MIB = 2 ** 20;
let folder: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());

/** A new file that holds `bytes` from `offset` on, and zeroes elsewhere. */
async function fileDevice(name: string, sizeBytes: number, offset = 0, bytes = new Uint8Array(0)): Promise<string> {
  const contents = new Uint8Array(sizeBytes);
  contents.set(bytes, offset);
  await writeFile(folder.in(name), contents);
  return `file:${folder.in(name)}`;
}

/** Not by `toEqual`, which takes seconds for a megabyte. */
async function expectFile(name: string, bytes: Uint8Array): Promise<void> {
  expect(Buffer.compare(await readFile(folder.in(name)), bytes), `${name} holds what it should`).toBe(0);
}

describe('create', () => {
  test('makes a device of its size, and never overwrites one', async () => {
    const uri = `file:${folder.in('made.img')}`;
    expect(await blockyard(['create', uri, '--size', '1.5M'])).toEqual({
      code: 0,
      stdout: 'created, 1.5 MiB\n',
      stderr: '',
    });
    expect((await stat(folder.in('made.img'))).size).toBe(1.5 * MIB);
    const again = await blockyard(['create', uri, '--size', '3M']);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^error: .*is there already \(hint: nothing was changed.*\)\n$/);
    expect((await stat(folder.in('made.img'))).size).toBe(1.5 * MIB);
  });
});

test('create --reserve takes the space at once, and is refused where none can be taken', async () => {
  const made = await runHere(['create', `file:${folder.in('reserved.img')}`, '--size', '1M', '--reserve']);
  expect(made.code).toBe(0);
  expect((await stat(folder.in('reserved.img'))).blocks * 512).toBeGreaterThanOrEqual(MIB);
  const s3 = 's3://bucket/disk?endpoint=http://127.0.0.1:9&region=auto';
  const refused = await runHere(['create', s3, '--size', '1M', '--reserve']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('a store reserves no space');
});

const importOf = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
/** A module that lets a process not find the package. */
const withoutKoffi = `
import { register } from 'node:module';
register(${JSON.stringify(
  importOf(`export async function resolve(specifier, context, next) {
    if (specifier === 'koffi') throw new Error('not installed');
    return next(specifier, context);
  }`),
)});`;

describe('info', () => {
  test('tells size and sectors, as text and as JSON', async () => {
    const uri = `${await fileDevice('info.img', MIB)}?sector=4096`;
    const text = await blockyard(['info', uri]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/size +1 MiB \(1048576 bytes\)\n/);
    expect(text.stdout).toMatch(/holes +known\n/);
    const json = await runHere(['info', uri, '--json']);
    const native = { discard: true, writeZeroes: true, extents: true };
    expect(JSON.parse(json.stdout)).toMatchObject({ sizeBytes: MIB, sectorSize: 4096, sizeSectors: 256, native });
    expect(JSON.parse(json.stdout), 'a file does not record who has it').not.toHaveProperty('heldBy');
  });

  test('says so where holes are not known, for want of the optional package', async () => {
    const uri = await fileDevice('plain.img', MIB);
    const env = { NODE_OPTIONS: `--import=${importOf(withoutKoffi)}` };
    const text = await blockyard(['info', uri], { env });
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/holes +not known: everything counts as data\n/);
    const json = await blockyard(['info', uri, '--json'], { env });
    expect(JSON.parse(json.stdout).native).toEqual({ discard: true, writeZeroes: true, extents: false });
    const map = await blockyard(['map', uri, '--json'], { env });
    expect(JSON.parse(map.stdout)).toEqual([{ offsetBytes: 0, lengthBytes: MIB, type: 'data' }]);
  });
});

describe('copy and compare', () => {
  test('make a target, copy, verify, and find equal', async () => {
    const from = await fileDevice('from.img', 4 * MIB, MIB, new Uint8Array(MIB).fill(7));
    const to = `file:${folder.in('to.img')}`;
    const copied = await blockyard(['copy', from, to, '--create', '--verify', '--json']);
    expect(copied.code).toBe(0);
    expect(JSON.parse(copied.stdout)).toMatchObject({ copiedBytes: MIB, zeroBytes: 3 * MIB, verified: true });
    expect(copied.stderr).toMatch(/copy .* 100% \| 4 MiB of 4 MiB \| .*\/s \| .*left\n/);
    await expectFile('to.img', await readFile(folder.in('from.img')));
    const compared = await blockyard(['compare', from, to]);
    expect(compared).toMatchObject({ code: 0, stdout: 'equal, 4 MiB compared\n' });
  });

  test('take an image that ends within a sector, and read gives it back at its own length', async () => {
    const image = new Uint8Array(1000 * 512 + 100).fill(7);
    await writeFile(folder.in('odd.img'), image);
    const to = `file:${folder.in('whole.img')}`;
    expect((await runHere(['copy', `file:${folder.in('odd.img')}`, to, '--create', '--verify'])).code).toBe(0);
    const info = await runHere(['info', to, '--json']);
    expect(JSON.parse(info.stdout)).toMatchObject({ sizeSectors: 1001 });
    const read = await runHere(['read', to, folder.in('back.img'), '--length', String(image.byteLength)]);
    expect(read.code).toBe(0);
    expect(new Uint8Array(await readFile(folder.in('back.img')))).toEqual(image);
  });

  test('tell the first difference, with exit code 1', async () => {
    const a = await fileDevice('a.img', MIB);
    const b = await fileDevice('b.img', MIB, 5000, Uint8Array.of(1));
    const compared = await runHere(['compare', a, b, '--json']);
    expect(compared.code).toBe(1);
    expect(JSON.parse(compared.stdout)).toMatchObject({
      equal: false,
      firstDifference: { offsetBytes: 5000, sectorOfA: 9 },
    });
    const [told = ''] = compared.stderr.match(/^\{"error":.*$/m) ?? [];
    expect(JSON.parse(told).error).toMatchObject({
      message: 'they differ at byte 5000 (sector 9 of A, 9 of B)',
      hint: expect.stringMatching(/^"blockyard read URI --offset 5000 --length 16"/),
    });
  });

  test('tell sizes that differ, where all before is the same', async () => {
    const differ = await runHere(['compare', 'memory:?size=1M', 'memory:?size=2M']);
    expect(differ.code).toBe(1);
    expect(differ.stderr).toContain(
      'one is longer than the other: A has 1048576 bytes, B 2097152 (hint: --ignore-zero-tail',
    );
    expect((await runHere(['compare', 'memory:?size=1M', 'memory:?size=2M', '--ignore-zero-tail'])).code).toBe(0);
  });

  test('a device is not copied over itself', async () => {
    const uri = await fileDevice('one.img', MIB, 0, Uint8Array.of(1));
    for (const to of [[], ['--to-offset', '4K', '--length', '8K']]) {
      const refused = await runHere(['copy', uri, uri, ...to]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('are one device') });
    }
    expect((await runHere(['copy', 'memory:?size=1M', 'memory:?size=1M'])).code).toBe(0);
  });

  test('through a cache the copy is verified behind it', async () => {
    const from = await fileDevice('cached-from.img', MIB, 0, new Uint8Array(MIB).fill(3));
    const to = await fileDevice('cached-to.img', MIB);
    const copied = await runHere(['copy', from, to, '--cache', '4M', '--verify']);
    expect(copied).toMatchObject({ code: 0, stdout: expect.stringContaining(', verified') });
    await expectFile('cached-to.img', await readFile(folder.in('cached-from.img')));
  });

  test('a range goes to a place, and nothing else changes', async () => {
    const from = await fileDevice('part-from.img', MIB, 0, new Uint8Array(MIB).fill(5));
    const to = await fileDevice('part-to.img', MIB, 0, new Uint8Array(MIB).fill(6));
    const range = ['--from-offset', '4K', '--to-offset', '8K', '--length', '64K'];
    expect((await runHere(['copy', from, to, ...range, '--verify'])).code).toBe(0);
    const expected = new Uint8Array(MIB).fill(6).fill(5, 8192, 8192 + 65_536);
    await expectFile('part-to.img', expected);
  });

  test('a target that is too small is refused before anything is copied', async () => {
    const from = await fileDevice('large.img', 2 * MIB, 0, Uint8Array.of(1));
    const to = await fileDevice('small.img', MIB);
    const copied = await runHere(['copy', from, to]);
    expect(copied.code).toBe(1);
    expect(copied.stderr).toBe(
      'error: the target has 1048576 bytes, but 2097152 are needed (hint: "blockyard resize TO --size 2097152" makes room)\n',
    );
    expect((await readFile(folder.in('small.img')))[0]).toBe(0);
  });

  test('a copy that is interrupted ends, and says so', async () => {
    const from = await fileDevice('interrupted.img', 4 * MIB, 0, Uint8Array.of(1));
    const { Interruption } = await import('./terminal/interruption.js');
    const to = `file:${folder.in('interrupted-to.img')}`;
    const copied = await runHere(['copy', from, to, '--create'], AbortSignal.abort(new Interruption('SIGINT')));
    expect(copied).toMatchObject({ code: 130, stdout: '', stderr: 'ended by SIGINT\n' });
  });
});

describe('map', () => {
  test('lists extents as a table and as JSON', async () => {
    const table = await blockyard(['map', 'memory:?size=1G']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout.trim().split('\n').at(-1)).toMatch(/^ *0 +1073741824 +1 GiB +zero$/);
    const json = await runHere(['map', 'memory:?size=1G', '--offset', '4K', '--length', '8K', '--json']);
    expect(JSON.parse(json.stdout)).toEqual([{ offsetBytes: 4096, lengthBytes: 8192, type: 'zero' }]);
  });

  test('of a huge device comes in windows, joined where they meet', async () => {
    const json = await runHere(['map', 'memory:?size=1T', '--json']);
    expect(JSON.parse(json.stdout)).toEqual([{ offsetBytes: 0, lengthBytes: 2 ** 40, type: 'zero' }]);
  });

  test('of a sparse file has its data and its holes, however fine and however large', async () => {
    const path = folder.in('sparse.img');
    const file = await open(path, 'w');
    await file.truncate(3 * 2 ** 40);
    const islands = Array.from({ length: 1000 }, (_, i) => 2 ** 40 + i * 2 * MIB);
    for (const at of islands) await file.write(new Uint8Array(65_536).fill(1), 0, 65_536, at);
    await file.close();
    const json = await runHere(['map', `file:${path}`, '--json']);
    const data = JSON.parse(json.stdout).filter(({ type }: { type: string }) => type === 'data');
    expect(data).toEqual(islands.map((offsetBytes) => ({ offsetBytes, lengthBytes: 65_536, type: 'data' })));
  });

  test('of nothing is an empty list', async () => {
    expect((await runHere(['map', 'memory:?size=0', '--json'])).stdout).toBe('[]\n');
  });
});

describe('resize', () => {
  test('grows; shrinks only with a flag', async () => {
    const uri = await fileDevice('resize.img', MIB, 0, Uint8Array.of(9));
    expect(await blockyard(['resize', uri, '--size', '2M'])).toMatchObject({
      code: 0,
      stdout: 'resized from 1 MiB to 2 MiB\n',
    });
    const refused = await blockyard(['resize', uri, '--size', '512K']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'error: --size 524288 would cut off the last 1.5 MiB (hint: if that is meant, add --shrink)\n',
    );
    expect((await stat(folder.in('resize.img'))).size).toBe(2 * MIB);
    expect((await runHere(['resize', uri, '--size', '512K', '--shrink'])).code).toBe(0);
    expect((await stat(folder.in('resize.img'))).size).toBe(MIB / 2);
    expect((await readFile(folder.in('resize.img')))[0]).toBe(9);
  });
});

describe('discard', () => {
  test('zeroes a range and nothing else', async () => {
    const uri = await fileDevice('discard.img', MIB, 0, new Uint8Array(MIB).fill(1));
    const discarded = await blockyard(['discard', uri, '--offset', '64K', '--length', '64K', '--json']);
    expect(JSON.parse(discarded.stdout)).toEqual({ discardedBytes: 65_536 });
    const expected = new Uint8Array(MIB).fill(1).fill(0, 65_536, 131_072);
    await expectFile('discard.img', expected);
  });

  test('wants to be told what: a whole device takes --all', async () => {
    const uri = await fileDevice('discard-all.img', MIB, 0, Uint8Array.of(1));
    expect((await runHere(['discard', uri])).code).toBe(2);
    expect((await runHere(['discard', uri, '--all', '--length', '4K'])).code).toBe(2);
    expect((await runHere(['discard', uri, '--all'])).code).toBe(0);
    expect((await readFile(folder.in('discard-all.img')))[0]).toBe(0);
  });
});

describe('read and write', () => {
  const text = 'between any two bytes';

  test('move any bytes through pipes, and leave their neighbours alone', async () => {
    const uri = `${await fileDevice('bytes.img', MIB, 0, new Uint8Array(MIB).fill(0x2e))}?sector=4096`;
    const written = await blockyard(['write', uri, '--offset', '4090'], { input: text });
    expect(written).toEqual({ code: 0, stdout: `wrote ${text.length} B\n`, stderr: '' });
    const range = ['--offset', '4088', '--length', String(text.length + 4)];
    expect(await blockyard(['read', uri, ...range])).toEqual({ code: 0, stdout: `..${text}..`, stderr: '' });
  });

  test('move files, of many pieces, at odd places', async () => {
    const uri = await fileDevice('files.img', 8 * MIB);
    const contents = Buffer.from(Uint8Array.from({ length: 3 * MIB + 77 }, (_, i) => (i * 31) % 251));
    await writeFile(folder.in('input.bin'), contents);
    const place = ['--offset', String(MIB - 13)];
    expect((await runHere(['write', uri, folder.in('input.bin'), ...place, '--cache', '2M'])).code).toBe(0);
    const length = ['--length', String(contents.byteLength)];
    expect((await runHere(['read', uri, folder.in('output.bin'), ...place, ...length])).code).toBe(0);
    expect(contents.equals(await readFile(folder.in('output.bin')))).toBe(true);
  });

  test('a file that is there is only overwritten with --force', async () => {
    const uri = await fileDevice('keep.img', MIB);
    await writeFile(folder.in('keep.txt'), text);
    const refused = await runHere(['read', uri, folder.in('keep.txt')]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(await readFile(folder.in('keep.txt'), 'utf8')).toBe(text);
    expect((await runHere(['read', uri, folder.in('keep.txt'), '--force', '--length', '1K'])).code).toBe(0);
    expect((await stat(folder.in('keep.txt'))).size).toBe(1024);
  });

  test('a file is replaced when the new one is whole, and is never the device itself', async () => {
    const uri = await fileDevice('self (1)', MIB, 0, new Uint8Array(MIB).fill(5));
    await writeFile(folder.in('old.txt'), text);
    const failed = await runHere(['read', 'memory:?size=8M', folder.in('nowhere/new.txt')]);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot write the file') });
    for (const cache of [[], ['--cache', '1M']]) {
      const self = await runHere(['read', uri, folder.in('self (1)'), '--force', '--length', '4K', ...cache]);
      expect(self).toMatchObject({ code: 2, stderr: expect.stringContaining('is the device itself') });
    }
    await expectFile('self (1)', new Uint8Array(MIB).fill(5));
    expect((await runHere(['read', uri, folder.in('old.txt'), '--force'])).code).toBe(0);
    await expectFile('old.txt', new Uint8Array(MIB).fill(5));
    expect((await readdir(folder.in('.'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('what is no file is written to as it is', async () => {
    const uri = await fileDevice('sink.img', MIB);
    expect((await runHere(['read', uri, '/dev/null', '--force'])).code).toBe(0);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  test('half a file does not stay when the reading is ended', async () => {
    await writeFile(folder.in('half.img'), '');
    await truncate(folder.in('half.img'), 64 * 1024 * MIB);
    const child = start(['read', `file:${folder.in('half.img')}`, folder.in('half.bin')]);
    while ((await stat(folder.in('half.bin')).catch(() => undefined)) === undefined) await delay(10);
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(130);
    expect(await stat(folder.in('half.bin')).catch(() => undefined)).toBeUndefined();
  });

  test('an input that ends before --length is no success', async () => {
    const uri = await fileDevice('short.img', MIB);
    const short = await blockyard(['write', uri, '--length', '1000'], { input: new Uint8Array(100).fill(1) });
    expect(short).toMatchObject({ code: 1, stderr: expect.stringContaining('ended before the 1000 bytes') });
  });

  test('an input that is too long is refused, or, through a pipe, reported', async () => {
    const uri = await fileDevice('full.img', 4096);
    await writeFile(folder.in('long.bin'), new Uint8Array(5000));
    const refused = await runHere(['write', uri, folder.in('long.bin')]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('the input has 5000 bytes, but there is room for 4096');
    const piped = await blockyard(['write', uri], { input: new Uint8Array(5000).fill(1) });
    expect(piped.code).toBe(1);
    expect(piped.stderr).toContain('the device ended before the input');
    expect((await readFile(folder.in('full.img'))).every((byte) => byte === 1)).toBe(true);
  });

  test('a reader that goes away is told in one line, and is no crash', async () => {
    const uri = await fileDevice('head.img', 8 * MIB);
    const child = start(['read', uri]);
    child.stdout.once('data', () => child.stdout.destroy());
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      stderr += part;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toMatch(/^error: the reader of the pipe went away before the end .*\n$/);
    expect(code).toBe(1);
  });
});

describe('check', () => {
  test('reads everything', async () => {
    const checked = await blockyard(['check', await fileDevice('check.img', 3 * MIB + 512), '--json']);
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, readBytes: 3 * MIB + 512, faults: [] });
  });
});

describe('bench', () => {
  test.each(['random', 'sequential', 'zipf'])('measures a %s load', async (pattern) => {
    const load = ['--pattern', pattern, '--block', '8K', '--depth', '4', '--read-share', '50', '--seconds', '0.1'];
    const measured = await runHere(['bench', 'memory:?size=16M', ...load, '--cache', '4M', '--json']);
    expect(measured.code).toBe(0);
    const { reads, writes, cache, base } = JSON.parse(measured.stdout);
    expect(reads.operations).toBeGreaterThan(0);
    expect(reads.bytes).toBe(8192 * reads.operations);
    expect(writes.latency.maxMs).toBeGreaterThanOrEqual(writes.latency.p50Ms);
    expect(cache.hits + cache.misses).toBe(cache.lookups);
    expect(base.flushes).toBeGreaterThan(0);
  });

  test('refuses to fill the memory with what is in flight', async () => {
    const large = await runHere(['bench', 'memory:?size=1G', '--depth', '1024', '--block', '64M']);
    expect(large).toMatchObject({ code: 2, stderr: expect.stringContaining('at most 1G') });
  });

  test('does not write to what may hold data, unless told to', async () => {
    const uri = await fileDevice('bench.img', MIB, 0, Uint8Array.of(1));
    const refused = await runHere(['bench', uri, '--read-share', '99']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--overwrite') });
    const text = await blockyard(['bench', uri, '--seconds', '0.05']);
    expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ +ops +bytes/) });
    expect((await readFile(folder.in('bench.img')))[0]).toBe(1);
  });
});
