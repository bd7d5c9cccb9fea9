import type { BlockDevice } from '@blockyard/block';
import { deepStrictEqual, ok, strictEqual } from '../../assertions/assertions.js';
import { concatenate } from '../../bases/bytes.js';
import { readWriters, writeStamped } from '../../model/expect.js';
import { writersOf } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { openWritten } from './written.js';

/** The fragments are exact, if the device tells them, and reads of all of them at once find what one read of the range does. */
async function expectTrueFragments(device: BlockDevice, start: number, count: number): Promise<void> {
  const fragments = device.fragments?.(start, count);
  if (fragments === undefined) return;
  let at = start;
  for (const fragment of fragments) {
    strictEqual(fragment.start, at, `a fragment must begin at sector ${at}, where the one before it ends`);
    ok(Number.isSafeInteger(fragment.count) && fragment.count > 0, `the fragment at ${at} must not be empty`);
    const isRequest = Number.isSafeInteger(fragment.request) && fragment.request >= 0;
    ok(isRequest, `the request of the fragment at ${at} must be 0 or a positive integer, not ${fragment.request}`);
    at += fragment.count;
  }
  strictEqual(at, start + count, `the fragments must end at sector ${start + count}`);
  const { sectorSize } = device.info;
  const buffers = fragments.map((fragment) => new Uint8Array(fragment.count * sectorSize));
  await Promise.all(fragments.map((fragment, i) => device.read(fragment.start, buffers.slice(i, i + 1))));
  const found = writersOf(concatenate(buffers), start, sectorSize);
  deepStrictEqual(found, await readWriters(device, start, count), `fragments of ${count} sectors from ${start}`);
}

/** No device has to have them: these pass where there are none. */
export const fragmentsCases: readonly Case[] = [
  {
    clause: 'Z4',
    title: 'Z4: fragments cover the range exactly, and reads of them at once find what is there',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      const changes = [
        () => device.flush(),
        () => writeStamped(device, 2, 4, 3),
        () => device.flush(),
        () => device.discard(2, 3),
        () => writeStamped(device, 3, 9, 1),
        () => device.flush(),
        () => device.writeZeroes(sizeSectors - 3, 2),
      ];
      for (const change of changes) {
        await change();
        for (const start of [0, 3, 9]) {
          for (const count of [1, 7, sizeSectors - start]) await expectTrueFragments(device, start, count);
        }
      }
    },
  },
  {
    clause: 'Z4',
    title: 'Z4: fragments of what is no range of the device are unknown, and so are all after the end',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await device.flush();
      if (device.fragments === undefined) return;
      strictEqual(device.fragments(sizeSectors - 1, 2), undefined, 'past the end');
      strictEqual(device.fragments(-1, 1), undefined, 'before the beginning');
      strictEqual(device.fragments(0.5, 1), undefined, 'of a part of a sector');
      await device.disconnect();
      strictEqual(device.fragments(0, 1), undefined, 'after the end');
    },
  },
];
