import { expect, test } from 'vitest';
import { BlockError, createDevice } from '../index.js';
import { memoryDriver, sectorsOf } from '../testing.js';

test('a device that is lost changes nothing more, says why, and can still be read', async () => {
  const calls: string[] = [];
  const driver = memoryDriver(512, 8);
  const stop = new AbortController();
  const device = createDevice({
    ...driver,
    lost: stop.signal,
    write(start, buffers) {
      calls.push('write');
      return driver.write(start, buffers);
    },
    flush: () => void calls.push('flush'),
    discard: () => void calls.push('discard'),
    resize: () => void calls.push('resize'),
  });
  await device.write(0, [sectorsOf(7, 1)]);
  stop.abort(new BlockError('FENCED', 'another writer has it'));
  const changes = [
    () => device.write(0, [sectorsOf(9, 1)]),
    () => device.writeZeroes(0, 1),
    () => device.discard(0, 1),
    () => device.resize(16),
  ];
  for (const change of changes) {
    await expect(change()).rejects.toMatchObject({
      code: 'FENCED',
      message: expect.stringContaining('another writer has it'),
    });
  }
  const bytes = new Uint8Array(512);
  await device.read(0, [bytes]);
  expect([bytes, calls]).toEqual([sectorsOf(7, 1), ['write']]);
});
