import { deepStrictEqual, ok, strictEqual } from '../../assertions/assertions.js';
import { expectContents, expectWriters, refuses, writeStamped } from '../../model/expect.js';
import type { Case } from '../case.js';
import { COUNT_CALLS, RANGE_CALLS, TRANSFERS } from './calls.js';
import { openWritten } from './written.js';

/** Values that are no position, count or size [A5]. */
const NO_INTEGERS: readonly unknown[] = [
  Number.NaN,
  0.5,
  -1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** 53,
  '0',
  null,
  undefined,
  1n,
  {},
];

/** What is not a list of buffers: made anew for each call, in case a device keeps or changes it. */
const noLists = (): readonly unknown[] => [
  undefined,
  null,
  7,
  'buffers',
  new Uint8Array(65_536),
  { length: 0 },
  [null],
  [65_536],
  [new ArrayBuffer(65_536)],
  [new Uint16Array(32_768)],
  [new DataView(new ArrayBuffer(65_536))],
  new Array(1),
];

export const argumentCases: readonly Case[] = [
  {
    clause: 'A1',
    title: 'A1: every refusal is a rejected promise with a BlockError, never a throw',
    async run(context) {
      const device = await context.open();
      for (const { name, run } of RANGE_CALLS) {
        await refuses('INVALID_ARGUMENT', () => run(device, 'nonsense', 1), `${name} from no number`);
        await refuses('OUT_OF_BOUNDS', () => run(device, context.sizeSectors, 1), `${name} past the end`);
      }
      await refuses('INVALID_ARGUMENT', () => device.resize({} as never), 'resize to no number');
      await refuses('INVALID_ARGUMENT', () => device.flush(7 as never), 'flush of no range');
    },
  },
  {
    clause: 'A1',
    title: 'A1: what is no list of buffers is refused, and nothing changes',
    async run(context) {
      const device = await context.open();
      await writeStamped(device, 1, 0, context.sizeSectors);
      for (const { name, run } of TRANSFERS) {
        for (const list of noLists()) {
          await refuses('INVALID_ARGUMENT', () => run(device, list), `${name} with ${typeof list} ${String(list)}`);
        }
      }
      await expectContents(device, 'after refused writes', [1, context.sizeSectors]);
    },
  },
  {
    clause: 'A1',
    title: 'A1: an error of the base keeps its code and is the cause',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      base.fail('read', 'CORRUPT');
      const error: unknown = await device.read(0, [new Uint8Array(context.sectorSize)]).catch((thrown) => thrown);
      await refuses('CORRUPT', () => Promise.reject(error), 'a read that the base fails');
      strictEqual(base.isCauseOf(error), true, "the base's error must be a cause of the error");
    },
  },
  {
    clause: 'A2',
    title: 'A2: a bad shape is told before the end of the device and before a bad range',
    async run(context) {
      const device = await context.open();
      const { sizeSectors, sectorSize } = context;
      const odd = [new Uint8Array(sectorSize - 1)];
      await refuses('UNALIGNED', () => device.read(sizeSectors + 1, odd), 'an ill-sized read past the end');
      await refuses('UNALIGNED', () => device.write(sizeSectors + 1, odd), 'an ill-sized write past the end');
      await device.disconnect();
      await refuses('UNALIGNED', () => device.read(0, odd), 'an ill-sized read after the end');
      await refuses('UNALIGNED', () => device.write(0, odd), 'an ill-sized write after the end');
      for (const { name, run } of RANGE_CALLS) {
        await refuses('INVALID_ARGUMENT', () => run(device, -1, 1), `${name} from -1 after the end`);
      }
      await refuses('INVALID_ARGUMENT', () => device.resize(-1), 'resize to -1 after the end');
    },
  },
  {
    clause: 'A2',
    title: 'A2: the end of the device is told before a bad range',
    async run(context) {
      const device = await context.open();
      await device.disconnect();
      for (const { name, run } of RANGE_CALLS) {
        await refuses('DISCONNECTED', () => run(device, context.sizeSectors, 1), `${name} past the end, after the end`);
      }
    },
  },
  {
    clause: 'A4',
    title: 'A4: nothing at all can be done anywhere from the first sector to the end, inclusive',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      for (const start of [0, 1, sizeSectors - 1, sizeSectors]) {
        for (const { run } of RANGE_CALLS) await run(device, start, 0);
        await device.read(start, [new Uint8Array(0), new Uint8Array(0)]);
        await device.write(start, [new Uint8Array(0), new Uint8Array(0)]);
        deepStrictEqual(await device.extents(start, 0), [], `no extents at ${start}`);
      }
      await expectContents(device, 'after empty operations', [1, sizeSectors]);
    },
  },
  {
    clause: 'A4',
    title: 'A4: nothing at all is refused past the end',
    async run(context) {
      const device = await context.open();
      for (const start of [context.sizeSectors + 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
        for (const { name, run } of RANGE_CALLS) {
          await refuses('OUT_OF_BOUNDS', () => run(device, start, 0), `${name} of nothing at ${start}`);
        }
      }
    },
  },
  {
    clause: 'A5',
    title: 'A5: what is no non-negative safe integer is refused as start, count and size',
    async run(context) {
      const device = await context.open();
      await writeStamped(device, 1, 0, context.sizeSectors);
      for (const value of NO_INTEGERS) {
        for (const { name, run } of RANGE_CALLS) {
          await refuses('INVALID_ARGUMENT', () => run(device, value, 1), `${name} from ${String(value)}`);
          await refuses('INVALID_ARGUMENT', () => run(device, value, 0), `${name} of nothing from ${String(value)}`);
        }
        for (const { name, run } of COUNT_CALLS) {
          await refuses('INVALID_ARGUMENT', () => run(device, 0, value), `${name} of ${String(value)} sectors`);
        }
        await refuses('INVALID_ARGUMENT', () => device.resize(value as number), `resize to ${String(value)}`);
      }
      strictEqual(device.info.sizeSectors, context.sizeSectors, 'info must tell the size');
      await expectContents(device, 'after refused operations', [1, context.sizeSectors]);
    },
  },
  {
    clause: 'A5',
    title: 'A5: a size whose bytes are no safe integer is refused',
    async run(context) {
      const device = await context.open();
      const maxSectors = Math.floor(Number.MAX_SAFE_INTEGER / context.sectorSize);
      for (const size of [maxSectors + 1, Number.MAX_SAFE_INTEGER]) {
        await refuses('INVALID_ARGUMENT', () => device.resize(size), `resize to ${size} sectors`);
      }
      strictEqual(device.info.sizeSectors, context.sizeSectors, 'info must tell the size');
    },
  },
  {
    clause: 'A5',
    title: 'A5: positions that 32 bits cannot hold are not truncated',
    async run(context) {
      const device = await context.open();
      await writeStamped(device, 1, 0, context.sizeSectors);
      const wraps = [2 ** 31, 2 ** 32, 2 ** 32 / context.sectorSize, 2 ** 53 / context.sectorSize, 2 ** 53 - 1];
      for (const start of wraps) {
        if (start < context.sizeSectors) continue;
        for (const { name, run } of RANGE_CALLS) {
          await refuses('OUT_OF_BOUNDS', () => run(device, start, 1), `${name} from ${start}`);
        }
        for (const { name, run } of COUNT_CALLS) {
          await refuses('OUT_OF_BOUNDS', () => run(device, 1, start), `${name} of ${start} sectors`);
        }
      }
      await expectContents(device, 'after refused operations', [1, context.sizeSectors]);
    },
  },
  {
    clause: 'A5',
    title: 'A5: info tells the size that was asked for, in sectors of the size that was asked for',
    async run(context) {
      const { info } = await context.open();
      strictEqual(info.sectorSize, context.sectorSize, 'info must tell the size of sectors');
      strictEqual(info.sizeSectors, context.sizeSectors, 'info must tell the size');
      strictEqual(info.preferredIoBytes % info.sectorSize, 0, 'the preferred size must be whole sectors');
      ok(info.preferredIoBytes > 0, 'the preferred size must not be 0');
    },
  },
  {
    clause: 'A5',
    title: 'A5: sectors far apart on a huge device are not taken for each other',
    needs: ['huge'],
    async run(context) {
      const { sectorSize } = context;
      const sizeSectors = context.subject.hugeSectors ?? 0;
      const device = await context.open(sizeSectors);
      const powers = Array.from({ length: 22 }, (_, i) => 2 ** (31 + i));
      const sectors = [0, ...powers, ...powers.map((bytes) => bytes / sectorSize), sizeSectors - 1];
      const chosen = [...new Set(sectors)].filter((sector) => sector < sizeSectors);
      for (const [i, sector] of chosen.entries()) await writeStamped(device, i + 1, sector, 1);
      await device.flush();
      for (const [i, sector] of chosen.entries()) {
        await expectWriters(device, sector, `of ${chosen.length} sectors far apart`, [i + 1, 1]);
      }
      for (const { name, run } of RANGE_CALLS) {
        await refuses('OUT_OF_BOUNDS', () => run(device, sizeSectors, 1), `${name} past the huge end`);
      }
    },
  },
  {
    clause: 'A6',
    title: 'A6: a range that ends past the device is neither read, written nor extended',
    async run(context) {
      const { device, sizeSectors, sectorSize } = await openWritten(context);
      const ranges = [
        [sizeSectors, 1],
        [sizeSectors - 1, 2],
        [0, sizeSectors + 1],
        [sizeSectors + 1, 1],
      ] as const;
      for (const [start, count] of ranges) {
        for (const { name, run } of RANGE_CALLS) {
          await refuses('OUT_OF_BOUNDS', () => run(device, start, count), `${name} of ${count} sectors from ${start}`);
        }
        const parts = Array.from({ length: count }, () => new Uint8Array(sectorSize).fill(0xee));
        await refuses('OUT_OF_BOUNDS', () => device.read(start, parts), `a read of ${count} buffers from ${start}`);
        const untouched = parts.every((part) => part.every((byte) => byte === 0xee));
        strictEqual(untouched, true, `a refused read of ${count} sectors from ${start} must read nothing`);
        strictEqual(device.info.sizeSectors, sizeSectors, 'the size must stay');
      }
      await expectContents(device, 'after refused operations', [1, sizeSectors]);
    },
  },
  {
    clause: 'A6',
    title: 'A6: the last sector is within the device',
    async run(context) {
      const device = await context.open();
      const last = context.sizeSectors - 1;
      await writeStamped(device, 1, last, 1);
      await expectContents(device, 'after a write to the last sector', [0, last], [1, 1]);
      for (const { run } of RANGE_CALLS.filter(({ name }) => name !== 'write')) await run(device, last, 1);
      await expectContents(device, 'after zeroing the last sector', [0, context.sizeSectors]);
    },
  },
];
