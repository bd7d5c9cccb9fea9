import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { ok, strictEqual } from '../../assertions/assertions.js';
import { concatenate } from '../../bases/bytes.js';
import { expectStamps } from '../../model/differences.js';
import {
  expand,
  expectContents,
  expectWriters,
  later,
  outcome,
  readWriters,
  writeStamped,
} from '../../model/expect.js';
import { stamped, writersOf } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { openWritten, wrapWritten } from './written.js';

/** Sectors that are written one by one, at most: each may cost a request. */
const SINGLES_MAX = 48;

/** A copy of what a device lends of its beginning; `undefined` if it lends nothing. */
const lendAll = (device: BlockDevice, count: number) => {
  const loan = device.lend?.(0, count);
  return loan === undefined ? undefined : { loan, bytes: () => concatenate(loan.views) };
};

export const bufferCases: readonly Case[] = [
  {
    clause: 'B1',
    title: 'B1: scribbling over a buffer after its write resolved changes nothing',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const whole = stamped(1, 0, sizeSectors, sectorSize);
      await device.write(0, [whole]);
      whole.fill(0xee);
      await expectContents(device, 'after scribbling', [1, sizeSectors]);
      const parts = [1, 2, 3].map((start) => stamped(2, start, 1, sectorSize));
      await device.write(1, parts);
      for (const part of parts) part.fill(0xee);
      await device.flush();
      await expectContents(device, 'after scribbling and a flush', [1, 1], [2, 3], [1, sizeSectors - 4]);
    },
  },
  {
    clause: 'B1',
    title: 'B1: one buffer serves one write after the other',
    async run(context) {
      const { sectorSize } = context;
      const sizeSectors = Math.min(context.sizeSectors, SINGLES_MAX);
      const device = await context.open(sizeSectors);
      const buffer = new Uint8Array(sectorSize);
      for (let sector = 0; sector < sizeSectors; sector++) {
        buffer.set(stamped(sector + 1, sector, 1, sectorSize));
        await device.write(sector, [buffer]);
      }
      buffer.fill(0xee);
      const runs = Array.from({ length: sizeSectors }, (_, sector) => [sector + 1, 1] as const);
      await expectContents(device, 'after writes from one buffer', ...runs);
    },
  },
  {
    clause: 'B1',
    title: 'B1: a Buffer of Node is copied like any other, although its slices share its memory',
    needs: ['nodeBuffer'],
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const buffer = Buffer.from(stamped(1, 0, sizeSectors, sectorSize));
      await device.write(0, [buffer]);
      buffer.fill(0xee);
      await expectContents(device, 'after scribbling', [1, sizeSectors]);
      await device.read(0, [buffer]);
      expectStamps(buffer, 0, 'what was read', expand([[1, sizeSectors]]), sectorSize);
      buffer.fill(0xee);
      await device.flush();
      await expectContents(device, 'after scribbling over what was read, and a flush', [1, sizeSectors]);
    },
  },
  {
    clause: 'B1',
    title: 'B1: what was read is the caller’s: later changes of either side do not reach the other',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      const read = new Uint8Array(sizeSectors * sectorSize);
      await device.read(0, [read]);
      read.fill(0xee);
      await expectContents(device, 'after scribbling over what was read', [1, sizeSectors]);
      await device.read(0, [read]);
      await writeStamped(device, 2, 0, sizeSectors);
      expectStamps(read, 0, 'what was read before the second write', expand([[1, sizeSectors]]), sectorSize);
      read.fill(0xee);
      await expectContents(device, 'after scribbling over it again', [2, sizeSectors]);
    },
  },
  {
    clause: 'B2',
    title: 'B2: the device never writes into the buffers of a write',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const parts = [0, 1, 2].map((start) => stamped(1, start, 1, sectorSize));
      const check = (when: string) => {
        for (const [i, part] of parts.entries()) expectStamps(part, i, `buffer ${i} ${when}`, [1], sectorSize);
      };
      const writes = [0, 1, 0].map((start) => device.write(start, [...parts]));
      check('while the writes are in flight');
      await Promise.all(writes);
      check('after the writes');
      await device.discard(0, sizeSectors);
      await device.flush();
      check('after a discard and a flush');
    },
  },
  {
    clause: 'B3',
    title: 'B3: a read fills every byte of every buffer, zeroes too',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      await writeStamped(device, 1, 3, 2);
      const parts = [1, 0, 2, sizeSectors - 3].map((count) => new Uint8Array(count * sectorSize).fill(0xa5));
      await device.read(0, parts);
      const expected = Array.from({ length: sizeSectors }, (_, i) => (i === 3 || i === 4 ? 1 : 0));
      expectStamps(concatenate(parts), 0, 'what was read', expected, sectorSize);
    },
  },
  {
    clause: 'B3',
    title: 'B3: a read into slices of a larger buffer leaves the rest of it alone',
    async run(context) {
      const { device, sectorSize } = await openWritten(context);
      // Odd offsets: not even the words of the slices are aligned.
      const large = new Uint8Array(sectorSize * 5 + 32).fill(0xa5);
      const slices = [large.subarray(7, 7 + 2 * sectorSize), large.subarray(9 + 3 * sectorSize, 9 + 4 * sectorSize)];
      await device.read(2, slices);
      expectStamps(concatenate(slices), 2, 'the slices', [1, 1, 1], sectorSize);
      for (const slice of slices) slice.fill(0xa5);
      strictEqual(
        large.every((byte) => byte === 0xa5),
        true,
        'bytes beside the slices must stay',
      );
    },
  },
  {
    clause: 'B3',
    title: 'B3: a read that the base fails leaves no other data in its buffers',
    needs: ['wrap'],
    async run(context) {
      const { device, base, sectorSize, sizeSectors } = await wrapWritten(context);
      await device.flush();
      await readWriters(device, 0, 3);
      base.fail('read', 'IO');
      const buffer = new Uint8Array(3 * sectorSize);
      // What the device holds it may still read.
      await outcome(() => device.read(sizeSectors - 3, [buffer]), 'a read');
      for (let at = 0; at < sizeSectors - 3; at++) {
        const found = writersOf(buffer, at, sectorSize);
        ok(!found.includes(1), `the buffers hold data of sector ${at + found.indexOf(1)}, which no one asked for`);
      }
    },
  },
  {
    clause: 'B3',
    title: 'B3: a write from slices of a larger buffer writes the slices alone',
    async run(context) {
      const device = await context.open();
      const { sectorSize } = context;
      const large = new Uint8Array(sectorSize * 5 + 32).fill(0xee);
      const slices = [large.subarray(7, 7 + 2 * sectorSize), large.subarray(9 + 3 * sectorSize, 9 + 4 * sectorSize)];
      slices[0]?.set(stamped(1, 1, 2, sectorSize));
      slices[1]?.set(stamped(1, 3, 1, sectorSize));
      await device.write(1, slices);
      await expectWriters(device, 0, 'after the write', [0, 1], [1, 3], [0, 2]);
    },
  },
  {
    clause: 'B3',
    title: 'B3: no two reads of the base in flight have any memory in common',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      const { sectorSize, sizeSectors } = context;
      // What lies between is known to a device that keeps what was written.
      for (let sector = 1; sector < Math.min(sizeSectors, SINGLES_MAX); sector += 4)
        await writeStamped(device, 1, sector, 1);
      base.hold('read');
      const reads = Array.from({ length: Math.min(sizeSectors, SINGLES_MAX) - 1 }, (_, sector) =>
        later(device.read(sector, [new Uint8Array(sectorSize), new Uint8Array(sectorSize)])),
      );
      await macrotasks(20);
      base.release();
      await Promise.all(reads);
      strictEqual(base.misuses.join(), '', 'a read of the base must have its memory to itself until it has settled');
    },
  },
  {
    clause: 'B4',
    title: 'B4: what is lent stays as it was, whatever happens to the device, and delays no one',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      const lent = lendAll(device, sizeSectors);
      if (lent === undefined) return;
      const check = (when: string) => {
        expectStamps(lent.bytes(), 0, `what is lent ${when}`, expand([[1, sizeSectors]]), sectorSize);
      };
      check('at first');
      await writeStamped(device, 2, 1, 2);
      check('after a write');
      await expectContents(device, 'after a write to what is lent', [1, 1], [2, 2], [1, sizeSectors - 3]);
      await device.discard(4, sizeSectors - 4);
      check('after a discard');
      await device.writeZeroes(0, 1);
      check('after zeroing');
      await device.flush();
      await device.disconnect();
      check('after the end');
      lent.loan.release();
      lent.loan.release();
    },
  },
  {
    clause: 'B4',
    title: 'B4: several loans of one range end one by one',
    async run(context) {
      const device = await context.open();
      const { sectorSize } = context;
      await writeStamped(device, 1, 0, 4);
      const [one, two] = [lendAll(device, 4), lendAll(device, 4)];
      if (one === undefined || two === undefined) return;
      one.loan.release();
      one.loan.release();
      await writeStamped(device, 2, 0, 4);
      expectStamps(two.bytes(), 0, 'the second loan, after the end of the first,', [1, 1, 1, 1], sectorSize);
      two.loan.release();
      await expectContents(device, 'after the loans', [2, 4], [0, context.sizeSectors - 4]);
    },
  },
  {
    clause: 'B4',
    title: 'B4: nothing is lent of what is not there',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      strictEqual(device.lend?.(sizeSectors - 1, 2), undefined, 'past the end');
      strictEqual(device.lend?.(-1, 1), undefined, 'before the beginning');
      strictEqual(device.lend?.(0, 0), undefined, 'nothing at all');
      await device.disconnect();
      strictEqual(device.lend?.(0, 1), undefined, 'after the end');
    },
  },
];
