import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { beforeEach, expect, test } from 'vitest';
import { checkLogVolume, connectLog, createLogVolume, takeSnapshot } from '../index.js';

const SECTOR = 4096;
const DAY_MS = 86_400_000;
let objects: MemoryObjects;
let nowMs: number;
const at = () => ({ store: new MemoryStore({ objects, wallMs: () => nowMs }), prefix: 'disk' });

beforeEach(async () => {
  objects = new Map();
  nowMs = 1e12;
  await createLogVolume({ ...at(), sizeSectors: 1000, segmentSizeBytes: 200_000 });
});

async function written(value: number): Promise<void> {
  const device = await connectLog(at());
  await device.write(0, [new Uint8Array(SECTOR).fill(value)]);
  await device.flush();
  await device.disconnect({ force: true });
}

/** A segment behind the end of an epoch, as one that arrived after a fence. */
function putOrphan(key: string): void {
  const like = [...objects].find(([name]) => name.startsWith('disk/log/'))?.[1];
  if (like === undefined) throw new Error('there is no segment');
  objects.set(key, { ...like, modifiedMs: nowMs });
}

test('compacting deletes orphans once they are a day old, fences in a week, and nothing that is in use', async () => {
  await written(1);
  await written(2);
  const orphans = [
    'disk/log/000000000063-00000001',
    'disk/pack/000000000009-00000001',
    'disk/map/000000000000-00000001-0000',
  ];
  for (const key of orphans) putOrphan(key);
  const others = ['disk/log/000000000063-00000001.old', 'disk/logs', 'other/log/000000000063-00000001'];
  for (const key of others) putOrphan(key);
  const fences = () => [...objects].filter(([key, { sizeBytes }]) => key.startsWith('disk/log/') && sizeBytes === 64);
  expect(fences()).toHaveLength(1);
  for (const [days, kept, fencesKept] of [
    [0.9, 3, 2],
    [0.2, 0, 3],
    [7, 0, 1],
  ] as const) {
    nowMs += days * DAY_MS;
    const device = await connectLog(at());
    await device.compact();
    await device.disconnect({ force: true });
    expect(orphans.filter((key) => objects.has(key))).toHaveLength(kept);
    expect(fences().length, `after ${days}`).toBe(fencesKept);
    expect(others.every((key) => objects.has(key))).toBe(true);
  }
  expect((await checkLogVolume(at())).problems).toEqual([]);
  const device = await connectLog({ ...at(), readOnly: true });
  const sector = new Uint8Array(SECTOR);
  await device.read(0, [sector]);
  expect(sector[0]).toBe(2);
});

test('the directory that a snapshot begins with is no orphan, however often the volume was opened since', async () => {
  for (const value of [1, 2, 3]) {
    const device = await connectLog(at());
    await device.write(0, [new Uint8Array(SECTOR).fill(value)]);
    // With a checkpoint.
    await device.disconnect();
    if (value === 1) await takeSnapshot(at(), 'daily');
  }
  expect((await checkLogVolume(at())).orphans).toEqual([]);
  nowMs += 2 * DAY_MS;
  const device = await connectLog(at());
  await device.compact();
  await device.disconnect();
  const past = await connectLog({ ...at(), snapshot: 'daily' });
  const sector = new Uint8Array(SECTOR);
  await past.read(0, [sector]);
  expect(sector[0]).toBe(1);
  expect(await checkLogVolume(at())).toMatchObject({ problems: [], orphans: [] });
});
