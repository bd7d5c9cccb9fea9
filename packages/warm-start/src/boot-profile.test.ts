import { readFile, stat, writeFile } from 'node:fs/promises';
import { settled } from '@blockyard/block/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LINE, type Life, MIB, readRange, Volume } from './testing/fixture.js';
import { until } from './testing/until.js';

let volume: Volume;
let bootProfile: { readonly path: string };
beforeEach(async () => {
  volume = await Volume.make();
  bootProfile = { path: volume.path('profile') };
});
afterEach(() => volume.remove());

const has = ({ events }: Life, type: string) => events.some((event) => event.type === type);
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Reads that jump, first back and then to and fro, more than a MiB in all. */
async function start({ cache }: Life): Promise<void> {
  await readRange(cache, 4 * MIB, MIB / 2);
  await readRange(cache, 0, MIB / 2);
  await readRange(cache, 6 * MIB, LINE);
  await readRange(cache, 2 * MIB, LINE);
  await readRange(cache, 6 * MIB, LINE);
}

describe('The profile of a first start', () => {
  test('has what was read, once and in its order, and is brought in at the next start, before anyone asks', async () => {
    const first = await volume.open({ bootProfile: { ...bootProfile, maxRecordMs: 5000 } });
    await start(first);
    first.clock.advance(5000);
    await until(() => has(first, 'recorded'));
    const facts = { list: 'boot profile', path: bootProfile.path };
    const what = { ranges: 4, sizeBytes: 2 ** 20 + 2 * LINE * 512 };
    expect(first.events).toEqual([{ type: 'recorded', ...facts, ...what }]);
    // What comes later is no part of it.
    await readRange(first.cache, MIB, MIB);
    await first.cache.disconnect();

    const second = await volume.open({ bootProfile });
    await until(() => has(second, 'warmed'));
    expect(second.events).toMatchObject([
      { type: 'begun', ...facts, ...what },
      { type: 'warmed', ...facts, result: { outcome: 'complete', readBytes: what.sizeBytes } },
    ]);
    expect(second.reads).toEqual([4 * MIB, 0, 6 * MIB, 2 * MIB]);
    await start(second);
    expect(second.reads).toHaveLength(4);
    await second.cache.disconnect();
    expect(has(second, 'recorded')).toBe(false);
  });

  test('ends with the device, and is left out if next to nothing was read', async () => {
    const probe = await volume.open({ bootProfile });
    await readRange(probe.cache, 0, LINE);
    await probe.cache.disconnect();
    expect(await exists(bootProfile.path)).toBe(false);
    const life = await volume.open({ bootProfile });
    await start(life);
    await life.cache.disconnect();
    expect(life.events).toMatchObject([{ type: 'recorded', ranges: 4 }]);
    expect(life.clock.dueMs).toEqual([]);
    expect(await exists(bootProfile.path)).toBe(true);
  });

  test('is forgotten by an end by force', async () => {
    const life = await volume.open({ bootProfile });
    await start(life);
    await life.cache.disconnect({ force: true });
    expect([life.clock.dueMs, await exists(bootProfile.path)]).toEqual([[], false]);
  });

  test.each([
    ['bytes', { maxRecordBytes: 2 ** 20 + 512 }, { ranges: 3, sizeBytes: 2 ** 20 + 512 }],
    ['ranges', { maxRanges: 2 }, { ranges: 2, sizeBytes: 2 ** 20 }],
  ])('has a bound of %s, which ends the recording', async (_, bound, what) => {
    const life = await volume.open({ bootProfile: { ...bootProfile, ...bound } });
    await start(life);
    await until(() => has(life, 'recorded'));
    expect(life.events).toMatchObject([{ type: 'recorded', ...what }]);
    expect(life.clock.dueMs).toEqual([]);
    await life.cache.disconnect();
    expect(life.events).toHaveLength(1);
  });

  test('has what was lent, and not what failed or was no read', async () => {
    const life = await volume.open({ bootProfile });
    const { cache, base } = life;
    await start(life);
    await cache.prefetch(7 * MIB, LINE);
    const loan = cache.lend?.(7 * MIB, LINE);
    expect(loan).toBeDefined();
    loan?.release();
    base.fail('read', 'IO');
    await expect(readRange(cache, 3 * MIB, LINE)).rejects.toMatchObject({ code: 'IO' });
    await expect(cache.read(0, [new Uint8Array(3)])).rejects.toMatchObject({ code: 'UNALIGNED' });
    // @ts-expect-error: what is no list
    await expect(cache.read(0, undefined)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await cache.write(5 * MIB, [new Uint8Array(512)]);
    base.heal();
    await cache.disconnect();
    expect(life.events).toMatchObject([{ type: 'recorded', ranges: 5 }]);
    const again = await volume.open({ bootProfile });
    await until(() => has(again, 'warmed'));
    expect(again.reads.at(-1)).toBe(7 * MIB);
    await again.cache.disconnect();
  });

  test('of another volume is left alone, and one that is damaged is recorded anew', async () => {
    const life = await volume.open({ bootProfile });
    await start(life);
    await life.cache.disconnect();
    const bytes = await readFile(bootProfile.path);
    const other = await volume.open({ bootProfile, volume: 'two' });
    await start(other);
    await other.cache.disconnect();
    expect(other.events).toMatchObject([{ type: 'ignored', reason: 'it is of another volume', isKept: true }]);
    expect(await readFile(bootProfile.path)).toEqual(bytes);
    await writeFile(bootProfile.path, bytes.subarray(1));
    const kept = await volume.open({ bootProfile });
    await start(kept);
    await kept.cache.disconnect();
    expect(kept.events).toMatchObject([{ type: 'ignored', isKept: true }]);
    await writeFile(bootProfile.path, bytes.subarray(0, 150));
    const anew = await volume.open({ bootProfile });
    await start(anew);
    await anew.cache.disconnect();
    expect(anew.events).toMatchObject([{ type: 'ignored', isKept: false }, { type: 'recorded' }]);
    expect(await readFile(bootProfile.path)).toEqual(bytes);
  });

  test('comes before the list of what was held', async () => {
    const hotRanges = { path: volume.path('hot') };
    const first = await volume.open({ bootProfile, hotRanges });
    await readRange(first.cache, 7 * MIB, LINE);
    await start(first);
    for (let i = 0; i < 20; i++) await readRange(first.cache, 2 * MIB, LINE);
    await first.cache.disconnect();
    const second = await volume.open({ bootProfile, hotRanges }, (base) => base.hold('read'));
    await second.base.called('read', 1);
    await settled();
    expect(second.events).toMatchObject([{ type: 'begun', list: 'boot profile' }]);
    second.base.release();
    await until(() => second.events.filter(({ type }) => type === 'warmed').length === 2);
    expect(second.events.map(({ list, type }) => `${list}: ${type}`)).toEqual([
      'boot profile: begun',
      'boot profile: warmed',
      'hot ranges: begun',
      'hot ranges: warmed',
    ]);
    await second.cache.disconnect();
  });
});
