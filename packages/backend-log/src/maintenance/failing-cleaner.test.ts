import { BlockError } from '@blockyard/block';
import { settled, until } from '@blockyard/block/testing';
import { type GetResult, MemoryStore } from '@blockyard/object-store';
import type { Fault } from '@blockyard/object-store/faults';
import { describe, expect, test } from 'vitest';
import { gate } from '../testing/bucket.js';
import { giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

/** A volume that has something to clean. */
async function worn(): Promise<Scene> {
  const scene = await Scene.create();
  const device = await scene.bucket.connect();
  await scene.history.write(device, 0, 40);
  for (let at = 0; at < 40; at += 2) await scene.history.write(device, at, 1);
  await scene.history.flush(device);
  await scene.takeSnapshot('worn', (name) => device.takeSnapshot(name));
  await giveUp(device);
  return scene;
}

describe('What the cleaner cannot read', () => {
  test.each<readonly [string, Fault]>([
    ['since the store refuses it', { kind: 'refuse', error: new BlockError('UNAVAILABLE', '503') }],
    ['since the answer ends early', { kind: 'truncate', bytes: 700 }],
  ])('%s stays where it is', async (_, fault) => {
    const { bucket, history } = await worn();
    const store = bucket.process();
    const device = await bucket.connect({ store });
    const before = bucket.keys('/log/');
    store.onRequest = ({ kind, key }) => (kind === 'get' && key.includes('/log/') ? fault : undefined);
    await expect(device.compact()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(bucket.keys('/log/')).toEqual(before);
    expect(bucket.keys('/pack/')).toEqual([]);
    store.onRequest = () => undefined;
    expect(await stateOf(device)).toEqual(history.now);
    await device.compact();
    expect(bucket.keys('/pack/').length).toBeGreaterThan(0);
    expect(await stateOf(device)).toEqual(history.now);
    await giveUp(device);
  });

  test('since the store gives fewer bytes than there are, and does not say so, stays where it is', async () => {
    const { bucket, history } = await worn();
    let isShort = false;
    /** Gives half of what it is asked for. */
    class ShortStore extends MemoryStore {
      override async get(...[key, range, open]: Parameters<MemoryStore['get']>): Promise<GetResult> {
        const lengthBytes = isShort && key.includes('/log/') ? Math.ceil(range.lengthBytes / 2) : range.lengthBytes;
        return super.get(key, { ...range, lengthBytes }, open);
      }
    }
    const store = new ShortStore({ objects: bucket.objects, wallMs: () => bucket.clock.wallMs() });
    const device = await bucket.connect({ store });
    const before = bucket.keys('/log/');
    isShort = true;
    await expect(device.compact()).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(bucket.keys('/log/')).toEqual(before);
    expect(bucket.keys('/pack/')).toEqual([]);
    isShort = false;
    expect(await stateOf(device)).toEqual(history.now);
    await giveUp(device);
  });
});

test('a checkpoint that is made while a segment is on its way names only segments that are stored', async () => {
  const scene = await worn();
  const { bucket, history } = scene;
  const store = bucket.process();
  const device = await bucket.connect({ store });
  await history.write(device, 0, 20);
  await history.flush(device);
  const [map, segment] = [gate(), gate()];
  let isMapHeld = false;
  let segments = 0;
  store.onRequest = ({ kind, key }) => {
    if (kind !== 'put') return undefined;
    if (key.includes('/map/')) {
      isMapHeld = true;
      return { kind: 'hold', until: map.passed };
    }
    return isMapHeld && key.includes('/log/') && ++segments === 1 ? { kind: 'hold', until: segment.passed } : undefined;
  };
  const compacting = device.compact();
  await until(() => isMapHeld);
  // Three segments, the first of them held; what comes after it arrives.
  await history.write(device, 40, 40);
  device.flush().catch(() => {});
  await settled();
  expect(segments).toBeGreaterThan(1);
  map.open();
  await compacting;
  await giveUp(device);
  await scene.checkRecovery();
});
