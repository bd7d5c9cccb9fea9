import { setImmediate } from 'node:timers/promises';
import { connectMemory } from '@blockyard/backend-memory';
import { BlockError, createDevice } from '@blockyard/block';
import { expect, test } from 'vitest';
import { writePieces } from './byte-io.js';

const MIB = 2 ** 20;
const never = new AbortController().signal;

test.each([0, 1, 2])(
  'a write that fails while the next input is waited for fails the command: piece %s',
  async (bad) => {
    let flushes = 0;
    const device = createDevice({
      name: 'bad',
      sectorSize: 512,
      sizeSectors: (4 * MIB) / 512,
      read: () => {},
      write: async (start) => {
        if (start === (bad * MIB) / 512) throw new BlockError('NO_SPACE', 'it is full');
      },
      flush: () => {
        flushes++;
      },
      resize: () => {},
      disconnect: () => {},
    });
    async function* slowly() {
      for (let i = 0; i < 3; i++) {
        yield new Uint8Array(MIB);
        for (let passed = 0; passed < 3; passed++) await setImmediate();
      }
    }
    const written = writePieces(device, slowly(), { offsetBytes: 0, lengthBytes: 4 * MIB }, never);
    await expect(written).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(flushes).toBe(0);
  },
);

test('what was written is counted, and ends where the range does', async () => {
  const device = await connectMemory({ sizeSectors: (2 * MIB) / 512 });
  async function* twice() {
    yield new Uint8Array(MIB).fill(1);
    yield new Uint8Array(MIB).fill(2);
  }
  expect(await writePieces(device, twice(), { offsetBytes: 7, lengthBytes: MIB + 5 }, never)).toBe(MIB + 5);
  const found = new Uint8Array(2 * MIB);
  await device.read(0, [found]);
  expect([found[6], found[7], found[MIB + 6], found[MIB + 7], found[MIB + 11], found[MIB + 12]]).toEqual([
    0, 1, 1, 2, 2, 0,
  ]);
});
