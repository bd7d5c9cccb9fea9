import { createDevice } from '@blockyard/block';
import { sparseDriver } from '../../bases/sparse.js';
import { expectStamps } from '../../model/differences.js';
import { expectWriters, writeStamped } from '../../model/expect.js';
import { stamped } from '../../model/stamp.js';
import type { Case } from '../case.js';

/** One piece of memory stands for all but the end of a long transfer. */
const PIECE_BYTES = 8 << 20;
/** What Linux moves in one call, and what Node takes in one, end just before. */
const LIMIT_BYTES = 2 ** 31;
const TAIL_SECTORS = 3;
/** Not at the beginning. */
const START = 1;

/** A list of 2 GiB, all of it one piece of memory, and an end of its own. */
function longList(tail: Uint8Array): Uint8Array[] {
  const piece = new Uint8Array(PIECE_BYTES);
  return [...new Array<Uint8Array>(LIMIT_BYTES / PIECE_BYTES).fill(piece), tail];
}

/** Transfers of more than 2 GiB, where systems begin to move less than they are asked to. */
export const longCases: readonly Case[] = [
  {
    clause: 'B3',
    title: 'B3: a read of more than 2 GiB is filled to its end',
    needs: ['huge'],
    once: true,
    patience: 4,
    async run(context) {
      const { sectorSize } = context;
      const device = await context.open(context.subject.hugeSectors);
      const end = START + LIMIT_BYTES / sectorSize;
      await writeStamped(device, 1, end, TAIL_SECTORS);
      const tail = new Uint8Array(TAIL_SECTORS * sectorSize).fill(0xa5);
      await device.read(START, longList(tail));
      expectStamps(tail, end, 'after 2 GiB', [1, 1, 1], sectorSize);
    },
  },
  {
    clause: 'O1',
    title: 'O1: a write of more than 2 GiB is written to its end',
    needs: ['longWrites'],
    once: true,
    patience: 4,
    async run(context) {
      const { sectorSize } = context;
      const end = START + LIMIT_BYTES / sectorSize;
      const device = await context.open(end + TAIL_SECTORS + 1);
      await device.write(START, longList(stamped(1, end, TAIL_SECTORS, sectorSize)));
      await expectWriters(device, end - 1, 'around 2 GiB', [0, 1], [1, TAIL_SECTORS], [0, 1]);
    },
  },
  {
    clause: 'O1',
    title: 'O1: transfers of more than 2 GiB reach the base, and come from it, to their end',
    needs: ['wrap'],
    once: true,
    patience: 4,
    async run(context) {
      const { sectorSize } = context;
      const end = START + LIMIT_BYTES / sectorSize;
      const sizeSectors = end + TAIL_SECTORS + 1;
      const device = await context.over(createDevice(sparseDriver({ sectorSize, sizeSectors })));
      await device.write(START, longList(stamped(1, end, TAIL_SECTORS, sectorSize)));
      await device.flush();
      const tail = new Uint8Array(TAIL_SECTORS * sectorSize).fill(0xa5);
      await device.read(START, longList(tail));
      expectStamps(tail, end, 'after 2 GiB', [1, 1, 1], sectorSize);
    },
  },
];
