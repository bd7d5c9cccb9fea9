import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { strictEqual } from '../../assertions/assertions.js';
import { expectStamps } from '../../model/differences.js';
import { expectContents, expectCover, expectWriters, later, type WriterRun, writeStamped } from '../../model/expect.js';
import type { Case, Context } from '../case.js';
import { openWritten } from './written.js';

/** More than the depth of any common queue: 100, 128, 256. */
const IN_FLIGHT = 257;
/** Each may cost a device several requests, one after the other. */
const RESIZES = 101;

/** `count` calls at once, none of which waits for another. */
function atOnce<T>(count: number, call: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => call(i)));
}

/** Sector `i` of writer `i + 1`. */
function ownWriters(count: number): WriterRun[] {
  return Array.from({ length: count }, (_, i) => [i + 1, 1] as const);
}

async function openFew(context: Context): Promise<BlockDevice> {
  const device = await context.open(IN_FLIGHT);
  await writeStamped(device, 1, 0, IN_FLIGHT);
  return device;
}

function zeroingCase(operation: 'discard' | 'writeZeroes'): Case {
  return {
    clause: 'O2',
    title: `O2: of ${IN_FLIGHT} calls of ${operation} in flight at once, each takes place`,
    async run(context) {
      const device = await openFew(context);
      await atOnce(IN_FLIGHT, (i) => device[operation](i, 1));
      await expectContents(device, 'after all of them', [0, IN_FLIGHT]);
    },
  };
}

/** Enough operations of one kind in flight that a limit on them would show. */
export const inFlightCases: readonly Case[] = [
  {
    clause: 'O2',
    title: `O2: of ${IN_FLIGHT} writes in flight at once, each takes place`,
    async run(context) {
      const device = await context.open(IN_FLIGHT);
      await atOnce(IN_FLIGHT, (i) => writeStamped(device, i + 1, i, 1));
      await expectContents(device, 'after all of them', ...ownWriters(IN_FLIGHT));
    },
  },
  {
    clause: 'O2',
    title: `O2: of ${IN_FLIGHT} reads in flight at once, each is filled`,
    async run(context) {
      const { sectorSize } = context;
      const device = await openFew(context);
      const buffers = Array.from({ length: IN_FLIGHT }, () => new Uint8Array(sectorSize));
      await Promise.all(buffers.map((buffer, sector) => device.read(sector, [buffer])));
      for (const [sector, buffer] of buffers.entries()) {
        expectStamps(buffer, sector, `read ${sector + 1} of ${IN_FLIGHT} at once`, [1], sectorSize);
      }
    },
  },
  zeroingCase('discard'),
  zeroingCase('writeZeroes'),
  {
    clause: 'O2',
    title: `O2: ${IN_FLIGHT} calls of extents in flight at once are all answered`,
    async run(context) {
      const device = await openFew(context);
      const all = await atOnce(IN_FLIGHT, (i) => device.extents(i, IN_FLIGHT - i));
      for (const [start, extents] of all.entries()) expectCover(extents, start, IN_FLIGHT - start);
    },
  },
  {
    clause: 'O2',
    title: `O2: ${IN_FLIGHT} flushes in flight at once all settle`,
    async run(context) {
      const device = await openFew(context);
      await atOnce(IN_FLIGHT, (i) => (i % 2 === 0 ? device.flush() : device.flush({ start: i, count: 1 })));
      await expectContents(device, 'after all of them', [1, IN_FLIGHT]);
    },
  },
  {
    clause: 'O2',
    title: `O2: of ${RESIZES} resizes in flight at once, each takes place, and the last one stays`,
    needs: ['resizable'],
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      const smallest = sizeSectors - 5;
      await atOnce(RESIZES, (i) => device.resize(i === 50 ? smallest : sizeSectors + i));
      strictEqual(device.info.sizeSectors, sizeSectors + RESIZES - 1, 'info must tell the size');
      await expectWriters(device, 0, 'after all of them', [1, smallest], [0, RESIZES + 4]);
    },
  },
  {
    clause: 'O2',
    title: `O2: ${IN_FLIGHT} reads and as many writes settle when a base that held them answers`,
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap(2 * IN_FLIGHT);
      const { sectorSize } = context;
      base.hold('read', 'write');
      const reads = Array.from({ length: IN_FLIGHT }, () => new Uint8Array(sectorSize).fill(0xa5));
      const inFlight = reads.flatMap((buffer, i) => [
        later(writeStamped(device, i + 1, i, 1)),
        later(device.read(IN_FLIGHT + i, [buffer])),
      ]);
      await macrotasks(10);
      base.release();
      await Promise.all(inFlight);
      for (const [i, buffer] of reads.entries()) {
        expectStamps(buffer, IN_FLIGHT + i, `read ${i + 1} of ${IN_FLIGHT} at once`, [0], sectorSize);
      }
      await expectWriters(device, 0, 'after all of them', ...ownWriters(IN_FLIGHT), [0, IN_FLIGHT]);
    },
  },
];
