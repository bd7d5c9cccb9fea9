import { readFile, stat, writeFile } from 'node:fs/promises';
import { settled } from '@blockyard/block/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LINE, type Life, readRange, Volume } from './testing/fixture.js';
import { until } from './testing/until.js';

let volume: Volume;
let hotRanges: { readonly path: string };
beforeEach(async () => {
  volume = await Volume.make();
  hotRanges = { path: volume.path('hot') };
});
afterEach(() => volume.remove());

const typesOf = ({ events }: Life) => events.map(({ type }) => type);

/** Reads some lines that do not touch, the first one most. */
async function use(life: Life, lines = 10): Promise<void> {
  for (let i = 0; i < lines; i++) await readRange(life.cache, 2 * LINE * i, LINE);
  for (let i = 0; i < 9; i++) await readRange(life.cache, 0, LINE);
}

/** A life that leaves a list behind. */
async function leaveList(lines = 10): Promise<void> {
  const life = await volume.open({ hotRanges });
  await use(life, lines);
  await life.cache.disconnect();
}

describe('The list of what a cache held', () => {
  test('is written at the end, and brought in after a restart, before anyone asks', async () => {
    await leaveList();
    const life = await volume.open({ hotRanges });
    await until(() => typesOf(life).includes('warmed'));
    expect(life.events).toEqual([
      { type: 'begun', list: 'hot ranges', path: hotRanges.path, ranges: 10, sizeBytes: 10 * 4096 },
      {
        type: 'warmed',
        list: 'hot ranges',
        path: hotRanges.path,
        result: { outcome: 'complete', lines: 10, readBytes: 10 * 4096 },
      },
    ]);
    // What was used most comes first.
    expect(life.reads[0]).toBe(0);
    const before = life.base.calls('read');
    for (let i = 0; i < 10; i++) await readRange(life.cache, 2 * LINE * i, LINE);
    expect([before, life.base.calls('read')]).toEqual([10, 10]);
    await life.cache.disconnect();
  });

  test('is written now and then, for a process that is killed, and not where nothing was asked for', async () => {
    const life = await volume.open({ hotRanges: { ...hotRanges, saveIntervalMs: 1000 } });
    await use(life);
    const turn = async () => {
      life.clock.advance(1000);
      // The next turn is due once this one is over.
      await until(() => life.clock.dueMs.length === 1);
    };
    await turn();
    const first = await stat(hotRanges.path);
    await turn();
    expect((await stat(hotRanges.path)).ino).toBe(first.ino);
    await readRange(life.cache, 999 * LINE, LINE);
    await turn();
    const third = await stat(hotRanges.path);
    expect(third.size).toBe(first.size + 12);
    await life.cache.disconnect({ force: true });
    expect(life.clock.dueMs).toEqual([]);
    expect((await stat(hotRanges.path)).mtimeMs).toBe(third.mtimeMs);
  });

  test('is read when that is to be later, and not written before', async () => {
    await leaveList();
    const list = await readFile(hotRanges.path);
    const delayed = { hotRanges: { ...hotRanges, startDelayMs: 500 } };
    const short = await volume.open(delayed);
    await use(short, 2);
    await short.cache.disconnect();
    expect(short.events).toEqual([]);
    expect(await readFile(hotRanges.path)).toEqual(list);
    const life = await volume.open(delayed);
    life.clock.advance(499);
    await settled();
    expect(life.events).toEqual([]);
    life.clock.advance(1);
    await until(() => typesOf(life).includes('warmed'));
    expect(life.base.calls('read')).toBe(10);
    await life.cache.disconnect();
  });

  test('is written when an end is near, and not again at that end', async () => {
    const life = await volume.open({ hotRanges });
    await use(life);
    await life.cache.remember();
    const first = await stat(hotRanges.path);
    await readRange(life.cache, 999 * LINE, LINE);
    await life.cache.disconnect();
    expect(await stat(hotRanges.path)).toEqual(first);
    const later = await volume.open({ hotRanges });
    await until(() => typesOf(later).includes('warmed'));
    await later.cache.remember();
    await readRange(later.cache, 999 * LINE, LINE);
    later.clock.advance(10_000);
    await later.cache.disconnect();
    expect((await stat(hotRanges.path)).size).toBe(first.size + 12);
  });

  test('stays while what is in it is on its way: a short life does not shorten it', async () => {
    await leaveList();
    const list = await readFile(hotRanges.path);
    const life = await volume.open({ hotRanges: { ...hotRanges, saveIntervalMs: 1000 } }, (base) => base.hold('read'));
    await life.base.called('read', 1);
    await life.clock.advance(1000);
    await settled();
    const over = life.cache.disconnect();
    life.base.release();
    await over;
    expect(await readFile(hotRanges.path)).toEqual(list);
    expect(typesOf(life)).not.toContain('failed');
  });

  test('is tried again where the base failed, three times in all, and then begun anew', async () => {
    await leaveList();
    const list = await readFile(hotRanges.path);
    const life = await volume.open({ hotRanges: { ...hotRanges, saveIntervalMs: 1000 } }, (base) =>
      base.fail('read', 'UNAVAILABLE'),
    );
    const warmed = () => life.events.filter((event) => event.type === 'warmed').length;
    for (let attempt = 1; attempt <= 3; attempt++) {
      await until(() => warmed() === attempt && life.clock.dueMs.length === 1);
      expect(await readFile(hotRanges.path)).toEqual(list);
      life.clock.advance(1000);
    }
    life.base.heal();
    await use(life, 3);
    await until(() => life.clock.dueMs.length === 1);
    expect(warmed()).toBe(3);
    await life.cache.disconnect();
    expect((await readFile(hotRanges.path)).byteLength).toBe(128 + 3 * 12);
  });

  test('is no longer than it may be: the coldest are left out', async () => {
    const life = await volume.open({ hotRanges: { ...hotRanges, maxRanges: 1 } });
    await use(life);
    await life.cache.disconnect();
    const again = await volume.open({ hotRanges });
    await until(() => typesOf(again).includes('warmed'));
    expect(again.reads).toEqual([0]);
    await again.cache.disconnect();
  });

  test('that is damaged is told of, and written anew', async () => {
    await leaveList();
    const bytes = await readFile(hotRanges.path);
    await writeFile(hotRanges.path, bytes.subarray(0, 140));
    const life = await volume.open({ hotRanges });
    expect(life.events).toEqual([
      { type: 'ignored', list: 'hot ranges', path: hotRanges.path, reason: 'it is damaged', isKept: false },
    ]);
    await use(life);
    await life.cache.disconnect();
    expect(await readFile(hotRanges.path)).toEqual(bytes);
  });

  test.each([
    ['something else', Buffer.from('a file that someone needs')],
    ['a folder', undefined],
  ])('is not written in the place of %s', async (_, contents) => {
    const path = contents === undefined ? volume.folder : hotRanges.path;
    if (contents !== undefined) await writeFile(path, contents);
    const life = await volume.open({ hotRanges: { path, saveIntervalMs: 1000 } });
    expect(life.events).toMatchObject([{ type: 'ignored', isKept: true }]);
    await use(life);
    expect(life.clock.dueMs).toEqual([]);
    await life.cache.disconnect();
    if (contents !== undefined) expect(await readFile(path)).toEqual(contents);
    expect(life.events).toHaveLength(1);
  });

  test('that cannot be written is told of once, and the device goes on', async () => {
    const life = await volume.open({ hotRanges: { path: volume.path('none/hot'), saveIntervalMs: 1000 } });
    for (let i = 0; i < 3; i++) {
      await use(life, i + 1);
      life.clock.advance(1000);
      await until(() => life.clock.dueMs.length === 1);
    }
    await life.cache.disconnect();
    expect(life.events).toMatchObject([{ type: 'failed', error: { code: 'NOT_FOUND' } }]);
  });

  test('that is full of what has no room is brought in as far as there is', async () => {
    await leaveList(600);
    const life = await volume.open({ hotRanges }, undefined, { maxSizeBytes: 1 << 20 });
    await until(() => typesOf(life).includes('warmed'));
    expect(life.events.at(-1)).toMatchObject({ result: { outcome: 'full' } });
    await life.cache.disconnect();
  });
});
