import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { connectLog } from '../connect.js';
import { createLogVolume } from '../create.js';
import { createClone } from './clone.js';
import { immutableKeysOf } from './immutable-keys.js';

const SIZE = 2 ** 20;

test('The keys of a clone’s objects are its own and those of its bases, and tell whose they are', async () => {
  const objects: MemoryObjects = new Map();
  const open = () => new MemoryStore({ objects });
  const secret = { passphrase: 'correct horse' };
  await createLogVolume({ store: open(), prefix: 'disks/a', sizeBytes: SIZE, ...secret });
  const device = await connectLog({ store: open(), prefix: 'disks/a', ...secret });
  await device.takeSnapshot('daily');
  await device.disconnect();
  await createClone({ store: open(), prefix: 'disks/a', ...secret }, 'daily', { prefix: 'disks/b' });
  const clone = await connectLog({ store: open(), prefix: 'disks/b', readOnly: true, ...secret });
  const { volumeId } = clone;
  expect(volumeId).not.toBe(device.volumeId);
  // The root alone is read, for which no one needs to know the passphrase.
  expect(await immutableKeysOf({ store: open(), prefix: 'disks/b' })).toEqual({
    volumeId,
    tier: null,
    immutable: [
      { prefix: 'disks/b/log/', id: `${volumeId}/log` },
      { prefix: 'disks/b/pack/', id: `${volumeId}/pack` },
      { prefix: 'disks/b/map/', id: `${volumeId}/map` },
      { prefix: 'disks/a/log/', id: `${device.volumeId}/log` },
      { prefix: 'disks/a/pack/', id: `${device.volumeId}/pack` },
      { prefix: 'disks/a/map/', id: `${device.volumeId}/map` },
    ],
  });
});

test('What is no log volume has no such keys', async () => {
  const store = new MemoryStore();
  await expect(immutableKeysOf({ store, prefix: 'disks/a' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await store.put('disks/a/volume.json', Buffer.from('{}'), 'absent', '');
  await expect(immutableKeysOf({ store, prefix: 'disks/a' })).rejects.toMatchObject({ code: 'CORRUPT' });
  await expect(immutableKeysOf({ store, prefix: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
