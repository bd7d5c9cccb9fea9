import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CacheDevice } from '@blockyard/cache';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectUriOptions, connectUri, createUri, type WarmStartEvent } from './index.js';

const MIB = 2 ** 20;
let folder: string;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-warm-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function makeScene(scheme: 'dir' | 'file') {
  const place = join(folder, String(made++));
  const uri = scheme === 'dir' ? `dir:${place}/store/web-1` : `file:${place}.img`;
  await createUri(uri, { sizeBytes: 8 * MIB, sectorSize: 4096 });
  return { uri: `${uri}?sector=4096`, place };
}

/** Opens a volume with a cache and reads a MiB of it. Gives what was said of files. */
async function life(uri: string, options: ConnectUriOptions): Promise<WarmStartEvent[]> {
  const events: WarmStartEvent[] = [];
  const onEvent = (event: WarmStartEvent) => events.push(event);
  const device = await connectUri(uri, {
    cacheSizeBytes: 4 * MIB,
    ...options,
    warmStart: { ...options.warmStart, onEvent },
  });
  await device.read(0, [new Uint8Array(MIB)]);
  await device.disconnect();
  return events;
}

const typesOf = (events: readonly WarmStartEvent[]) => events.map(({ list, type }) => `${list}: ${type}`);

describe('The cache of a URI', () => {
  test.each(['dir', 'file'] as const)('over %s: has its list in the folder of the tier', async (scheme) => {
    const { uri, place } = await makeScene(scheme);
    const tier = { directory: `${place}-tier`, maxSizeBytes: 16 * MIB };
    expect(await life(uri, { tier })).toEqual([]);
    const lists = (await readdir(tier.directory)).filter((name) => /^hot-ranges-[0-9a-f]{16}$/.test(name));
    expect(lists).toHaveLength(1);
    const second = await life(uri, { tier, warmStart: { hotRanges: true } });
    expect(second[0]).toMatchObject({ type: 'begun', sizeBytes: MIB, path: join(tier.directory, lists[0] ?? '') });
    expect(await life(uri, { tier, warmStart: { hotRanges: false } })).toEqual([]);
  });

  test('has lists of its own where volumes share a folder, and none where nothing was asked for', async () => {
    const tier = { directory: join(folder, 'shared'), maxSizeBytes: 16 * MIB };
    for (const { uri } of [await makeScene('dir'), await makeScene('dir')]) {
      expect(await life(uri, { tier })).toEqual([]);
      const device = await connectUri(uri, { tier, cacheSizeBytes: 4 * MIB });
      expect((device as unknown as CacheDevice).snapshot().warmUps).toBe(0);
      await device.disconnect();
    }
    expect((await readdir(tier.directory)).filter((name) => name.startsWith('hot-ranges-'))).toHaveLength(2);
  });

  test('has its list and its profile in files that are named, and knows a volume that was made anew', async () => {
    const { uri, place } = await makeScene('dir');
    const warmStart = { hotRanges: `${place}-hot`, bootProfile: `${place}-boot` };
    expect(typesOf(await life(uri, { warmStart }))).toEqual(['boot profile: recorded']);
    const second = typesOf(await life(uri, { warmStart }));
    expect(second[0]).toBe('boot profile: begun');
    const { uri: other } = await makeScene('dir');
    const foreign = await life(other, { warmStart });
    expect(foreign).toMatchObject([
      { type: 'ignored', reason: 'it is of another volume', isKept: true },
      { type: 'ignored', reason: 'it is of another volume', isKept: true },
    ]);
    expect((await stat(warmStart.hotRanges)).size).toBeGreaterThan(128);
  });

  test.each<[string, ConnectUriOptions]>([
    ['without a cache', { warmStart: { hotRanges: 'list' } }],
    ['without a tier or a file', { cacheSizeBytes: MIB, warmStart: { hotRanges: true } }],
    ['an empty name', { cacheSizeBytes: MIB, warmStart: { bootProfile: '' } }],
    ['one file for both', { cacheSizeBytes: MIB, warmStart: { hotRanges: 'list', bootProfile: './list' } }],
    ['an unknown option', { cacheSizeBytes: MIB, warmStart: { profile: 'x' } as never }],
  ])('%s is refused, and the device is free', async (_, options) => {
    const { uri } = await makeScene('file');
    await expect(connectUri(uri, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'connect' });
    await (await connectUri(uri)).disconnect();
  });

  test('over memory has nothing to begin with', async () => {
    const options = { cacheSizeBytes: MIB, warmStart: { hotRanges: 'list' } };
    await expect(connectUri('memory:?size=1M', options)).rejects.toThrow(/ends with its process/);
  });
});
