import { expect, test } from 'vitest';
import { identifyWriteLog, inspectWriteLog } from './index.js';
import { Disk } from './testing/disk.js';
import { die, MEDIUM_BYTES, Scene, SECTOR, write } from './testing/scene.js';

test('A medium tells whose log is on it, however much that has, and an empty one that there is none', async () => {
  expect(await identifyWriteLog(new Disk(MEDIUM_BYTES).open())).toBeNull();
  const scene = new Scene();
  const device = await scene.openMarked({ baseId: 'disk a' });
  for (let sector = 0; sector < 64; sector++) await write(device, sector, 1);
  await device.flush();
  await die(device);
  const medium = scene.medium.open();
  const identity = await identifyWriteLog(medium);
  expect(identity).toEqual({
    tierId: scene.mark.attached?.tierId,
    baseId: 'disk a',
    baseSectorSize: SECTOR,
    baseSizeSectors: scene.base.bytes.byteLength / SECTOR,
    attachment: scene.mark.attached?.attachmentId,
    ringBytes: expect.any(Number),
  });
  expect(await inspectWriteLog(medium)).toMatchObject({ ...identity, undrained: { bytes: 64 * SECTOR } });
  scene.medium.bytes.fill(7, 0, 2 * MEDIUM_BYTES);
  await expect(identifyWriteLog(scene.medium.open())).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
});
