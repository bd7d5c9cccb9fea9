import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { IntervalSet } from '@blockyard/block';
import { type CacheDevice, connectCache } from '@blockyard/cache';
import { type WarmStartEvent, warmStart } from '@blockyard/warm-start';
import type { Figure } from '../figures.js';
import { BenchVolume, MIB } from '../log/volume.js';
import { type BootPhase, type BootRead, bootPattern } from './pattern.js';

const IMAGE_BYTES = 256 * MIB;
const CACHE_BYTES = 384 * MIB;

/** How long a start took, and what came from the store for it. */
interface Start {
  readonly seconds: number;
  readonly fetchedBytes: number;
  /** When the last list was in. */
  readonly warmedAfterSeconds?: number;
}

/** A start of a guest whose disk is a log volume a round trip away: cold, from lists, warm. */
export async function boot(roundTripMs: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'blockyard-boot-'));
  try {
    const volume = await image(roundTripMs);
    const pattern = bootPattern(IMAGE_BYTES);
    const profile = { bootProfile: { path: join(folder, 'profile') } };
    const list = { hotRanges: { path: join(folder, 'list') } };
    const [cold] = await life(volume, pattern, { ...profile, ...list });
    const [listed] = await life(volume, pattern, list);
    const [profiled, warm] = await life(volume, pattern, profile, 2);
    if (cold === undefined || listed === undefined || profiled === undefined || warm === undefined)
      throw new Error('a start is missing');
    return figures({ cold, listed, profiled, warm }, distinctBytes(pattern));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A volume with data all over. */
async function image(roundTripMs: number): Promise<BenchVolume> {
  const volume = await BenchVolume.create({ sizeBytes: IMAGE_BYTES, roundTripMs });
  const device = await volume.open({}, 0);
  const { sectorSize } = device.info;
  const bytes = Uint8Array.from({ length: MIB }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 24);
  for (let at = 0; at < IMAGE_BYTES; at += MIB) await device.write(at / sectorSize, [bytes]);
  await device.disconnect();
  return volume;
}

/** Opens the volume with an empty cache, and starts the guest, several times. */
async function life(
  volume: BenchVolume,
  pattern: readonly BootPhase[],
  lists: Omit<Parameters<typeof warmStart>[1], 'volume'>,
  starts = 1,
): Promise<Start[]> {
  const device = await volume.open({ readOnly: true });
  const cache = await connectCache(device, { maxSizeBytes: CACHE_BYTES });
  const openedMs = performance.now();
  let warmedAfterSeconds = 0;
  const onEvent = ({ type }: WarmStartEvent) => {
    if (type === 'warmed') warmedAfterSeconds = (performance.now() - openedMs) / 1000;
  };
  await warmStart(cache, { volume: device.volumeId, onEvent, ...lists });
  const found: Start[] = [];
  for (let start = 0; start < starts; start++) {
    const before = volume.store.traffic.downloadBytes;
    const startedMs = performance.now();
    for (const phase of pattern) await Promise.all(phase.map((reads) => play(cache, reads)));
    const seconds = (performance.now() - startedMs) / 1000;
    found.push({ seconds, fetchedBytes: volume.store.traffic.downloadBytes - before });
  }
  await cache.disconnect();
  return found.map((start) => ({ ...start, warmedAfterSeconds }));
}

/** One read after the other. What is computed in between is time in which this process is idle. */
async function play(cache: CacheDevice, reads: readonly BootRead[]): Promise<void> {
  const { sectorSize } = cache.info;
  let thinkMs = 0;
  for (const read of reads) {
    thinkMs += read.thinkMs;
    // Timers count in milliseconds.
    if (thinkMs >= 4) {
      const startedMs = performance.now();
      await delay(thinkMs);
      thinkMs -= performance.now() - startedMs;
    }
    await cache.read(read.offsetBytes / sectorSize, [new Uint8Array(read.lengthBytes)]);
  }
}

function distinctBytes(pattern: readonly BootPhase[]): number {
  const read = new IntervalSet();
  for (const { offsetBytes, lengthBytes } of pattern.flat(2)) read.add(offsetBytes, offsetBytes + lengthBytes);
  return read.totalLength;
}

function figures(
  starts: Readonly<Record<'cold' | 'listed' | 'profiled' | 'warm', Start>>,
  readBytes: number,
): Figure[] {
  const { cold, listed, profiled, warm } = starts;
  const work = 'boot';
  const per = ({ fetchedBytes }: Start) => fetchedBytes / readBytes;
  return [
    { work, name: 'bytes that it reads', value: readBytes / MIB, unit: 'MiB' },
    { work, name: 'warm', value: warm.seconds, unit: 's' },
    { work, name: 'cold', value: cold.seconds, unit: 's' },
    { work, name: 'with the list of hot ranges', value: listed.seconds, unit: 's' },
    { work, name: 'with its profile', value: profiled.seconds, unit: 's' },
    { work, name: 'all of the profile is in after', value: profiled.warmedAfterSeconds ?? 0, unit: 's' },
    { work, name: 'cold, of warm', value: cold.seconds / warm.seconds, unit: '' },
    { work, name: 'with the list, of warm', value: listed.seconds / warm.seconds, unit: '' },
    { work, name: 'with its profile, of warm', value: profiled.seconds / warm.seconds, unit: '', atMost: 1.15 },
    { work, name: 'fetched per byte read: cold', value: per(cold), unit: '' },
    { work, name: 'fetched per byte read: with the list', value: per(listed), unit: '' },
    { work, name: 'fetched per byte read: with its profile', value: per(profiled), unit: '', atMost: 1.3 },
    { work, name: 'fetched per byte read: warm', value: per(warm), unit: '', atMost: 0.01 },
  ];
}
