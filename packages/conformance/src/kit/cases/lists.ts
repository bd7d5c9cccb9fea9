import { strictEqual } from '../../assertions/assertions.js';
import { concatenate } from '../../bases/bytes.js';
import { expectStamps } from '../../model/differences.js';
import { expectContents, expectWriters, refuses } from '../../model/expect.js';
import { stamped } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { TRANSFERS } from './calls.js';
import { openWritten } from './written.js';

/** Longer than any limit on scatter/gather lists (POSIX allows as few as 16, Linux 1,024). */
const LIST_LENGTH = 5_000;
const LIST_BYTES_MAX = 4_718_592;

/** More than a device likes to move at once. */
const LARGE_BYTES = 3 << 20;

/** Lists of buffers. */
export const listCases: readonly Case[] = [
  {
    clause: 'A3',
    title: 'A3: an ill-sized buffer anywhere in the list is refused, and nothing changes',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      const whole = () => new Uint8Array(sectorSize).fill(0xee);
      for (const bytes of [1, sectorSize - 1, sectorSize + 1, sectorSize / 2, 3 * (sectorSize / 2)]) {
        const odd = () => new Uint8Array(bytes).fill(0xee);
        const lists = [
          () => [odd()],
          () => [odd(), whole(), whole()],
          () => [whole(), odd(), whole()],
          () => [whole(), whole(), odd()],
        ];
        for (const make of lists) {
          for (const { name, run } of TRANSFERS) {
            const buffers = make();
            const sizes = buffers.map((buffer) => buffer.byteLength).join('+');
            await refuses('UNALIGNED', () => run(device, [...buffers]), `${name} of ${sizes} bytes`);
            const untouched = buffers.every((buffer) => buffer.every((byte) => byte === 0xee));
            strictEqual(untouched, true, `a refused ${name} of ${sizes} bytes must leave its buffers alone`);
          }
        }
      }
      await expectContents(device, 'after refused writes', [1, sizeSectors]);
    },
  },
  {
    clause: 'A3',
    title: 'A3: ill-sized buffers are refused also where their sum is whole sectors',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      const half = () => new Uint8Array(sectorSize / 2);
      for (const { name, run } of TRANSFERS) {
        await refuses('UNALIGNED', () => run(device, [half(), half()]), `${name} of two half sectors`);
        const uneven = () => [new Uint8Array(1), new Uint8Array(sectorSize - 1)];
        await refuses('UNALIGNED', () => run(device, uneven()), `${name} of 1 and ${sectorSize - 1} bytes`);
      }
      await expectContents(device, 'after refused writes', [1, sizeSectors]);
    },
  },
  {
    clause: 'A3',
    title: 'A3: a list of 5000 buffers, full and empty, is a list like any other',
    async run(context) {
      const { sectorSize } = context;
      const full = Math.min(LIST_LENGTH, Math.floor(LIST_BYTES_MAX / sectorSize));
      const device = await context.open(full + 1);
      const list = (bytesOf: (sector: number) => Uint8Array) => {
        const empty = Array.from({ length: LIST_LENGTH - full }, () => new Uint8Array(0));
        return [...empty, ...Array.from({ length: full }, (_, sector) => bytesOf(sector))];
      };
      await device.write(
        0,
        list((sector) => stamped(sector + 1, sector, 1, sectorSize)),
      );
      const read = list(() => new Uint8Array(sectorSize));
      await device.read(0, [...read]);
      const expected = Array.from({ length: full }, (_, sector) => sector + 1);
      expectStamps(concatenate(read), 0, 'what was read', expected, sectorSize);
      await expectWriters(device, full - 1, 'at the end of the list', [full, 1], [0, 1]);
    },
  },
  {
    clause: 'A3',
    title: 'A3: a single buffer of megabytes is a buffer like any other',
    async run(context) {
      const { sectorSize } = context;
      const sizeSectors = LARGE_BYTES / sectorSize + 1;
      const device = await context.open(sizeSectors);
      await device.write(1, [stamped(1, 1, sizeSectors - 1, sectorSize)]);
      await expectContents(device, 'after the write', [0, 1], [1, sizeSectors - 1]);
    },
  },
  {
    clause: 'A3',
    title: 'A3: buffers of different sizes, some of them empty, are read and written in order',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const counts = [0, 1, 3, 0, 0, 2, sizeSectors - 8, 0];
      let sector = 1;
      const parts = counts.map((count) => {
        const part = stamped(count + 1, sector, count, sectorSize);
        sector += count;
        return part;
      });
      await device.write(1, [...parts]);
      const runs = [[0, 1], ...counts.map((count) => [count + 1, count] as const), [0, 1]] as const;
      await expectContents(device, 'after the write', ...runs);
      const read = counts.map((count) => new Uint8Array(count * sectorSize));
      await device.read(1, [...read]);
      const expected = counts.flatMap((count) => new Array<number>(count).fill(count + 1));
      expectStamps(concatenate(read), 1, 'what was read', expected, sectorSize);
    },
  },
];
