import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { settled } from '@blockyard/block/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WarmStartOptions } from './lists/options.js';
import { LINE, MIB, readRange, Volume } from './testing/fixture.js';
import { until } from './testing/until.js';
import { warmStart } from './warm-start.js';

let volume: Volume;
let hotRanges: { readonly path: string };
beforeEach(async () => {
  volume = await Volume.make();
  hotRanges = { path: volume.path('hot') };
});
afterEach(() => volume.remove());

describe('A warm start', () => {
  test('is as good as over where the file system does not answer: the device ends', async () => {
    await promisify(execFile)('mkfifo', [volume.path('hot.new')]);
    const { cache, base, clock } = await volume.open({ hotRanges });
    await readRange(cache, 0, LINE);
    const over = cache.disconnect();
    await until(() => base.disconnects === 1 && clock.dueMs.length === 1);
    clock.advance(5000);
    await over;
    expect(clock.dueMs).toEqual([]);
    // Has the call return.
    await (await open(volume.path('hot.new'), 'r')).close();
  });

  test('goes on where the device could not end', async () => {
    const { cache, base, events } = await volume.open({ hotRanges });
    await cache.write(0, [new Uint8Array(512)]);
    base.fail('flush', 'IO');
    base.fail('write', 'IO');
    await expect(cache.disconnect()).rejects.toMatchObject({ code: 'IO' });
    base.heal();
    await readRange(cache, MIB, LINE);
    await Promise.all([cache.disconnect(), cache.disconnect()]);
    await cache.disconnect();
    expect(events).toEqual([]);
    const again = await volume.open({ hotRanges });
    await until(() => again.events.length === 2);
    expect(again.events).toMatchObject([{ type: 'begun', sizeBytes: LINE * 512 + 512 }, { type: 'warmed' }]);
    await again.cache.disconnect();
  });

  test('is not disturbed by one who listens and fails', async () => {
    const onEvent = () => {
      throw new Error('of the listener');
    };
    const { cache } = await volume.open({ hotRanges: { path: volume.folder }, onEvent });
    await readRange(cache, 0, LINE);
    await cache.disconnect();
  });

  test('ends with the device while it brings in', async () => {
    const first = await volume.open({ hotRanges });
    for (let i = 0; i < 50; i++) await readRange(first.cache, 3 * i * LINE, LINE);
    await first.cache.disconnect();
    for (const force of [true, false]) {
      const life = await volume.open({ hotRanges }, (base) => base.hold('read'));
      await life.base.called('read', 1);
      const over = life.cache.disconnect({ force });
      life.base.release();
      await over;
      await until(() => life.events.some(({ type }) => type === 'warmed'));
      expect(life.events.at(-1)).toMatchObject({ result: { outcome: 'disconnected' } });
      await settled();
      expect(life.clock.dueMs).toEqual([]);
    }
  });

  test.each<[string, object]>([
    ['unknown', { volume: 'one', hot: true }],
    ['no volume', { hotRanges: { path: 'list' } }],
    ['an empty path', { volume: 'one', hotRanges: { path: '' } }],
    ['no time', { volume: 'one', hotRanges: { path: 'list', saveIntervalMs: 0 } }],
    ['too many ranges', { volume: 'one', bootProfile: { path: 'list', maxRanges: 2 ** 18 + 1 } }],
    ['no bytes', { volume: 'one', bootProfile: { path: 'list', maxRecordBytes: 0 } }],
    ['a share of nothing', { volume: 'one', bootProfile: { path: 'list', warmUp: { maxBaseShare: 0 } } }],
    ['one file for two lists', { volume: 'one', hotRanges: { path: 'list' }, bootProfile: { path: 'list' } }],
  ])('refuses options that make no sense: %s', async (_, options) => {
    const { cache } = await volume.open({});
    await expect(warmStart(cache, options as WarmStartOptions)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await cache.disconnect();
  });
});
