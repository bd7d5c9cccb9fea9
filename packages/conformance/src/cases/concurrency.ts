import { ok, strictEqual } from 'node:assert';
import type { Case } from '../case.js';
import { expectContents, readWriters, writeStamped } from '../expect.js';
import { stamped } from '../stamp.js';

const SMALL_AT_ONCE = 4;
const SMALL_MAX = 4_000;

export const concurrencyCases: readonly Case[] = [
  {
    clause: 'O1',
    title: 'O1: a read after a write sees the write',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      for (let writer = 1; writer <= 30; writer++) {
        const start = (writer * 7) % (sizeSectors - 3);
        await writeStamped(device, writer, start, 3);
        const seen = await readWriters(device, start, 3);
        ok(
          seen.every((each) => each === writer),
          `sectors from ${start} must be of writer ${writer}, not of ${seen}`,
        );
      }
    },
  },
  {
    clause: 'O2',
    title: 'O2: many overlapping operations of all kinds in flight at once all settle',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      const inFlight: Promise<unknown>[] = [];
      for (let i = 0; i < 96; i++) {
        const start = (i * 5) % (sizeSectors - 8);
        const count = 1 + (i % 8);
        if (i % 3 === 0) inFlight.push(writeStamped(device, i + 1, start, count));
        if (i % 3 === 1) inFlight.push(readWriters(device, start, count));
        if (i % 8 === 2) inFlight.push(device.discard(start, count));
        if (i % 8 === 3) inFlight.push(device.writeZeroes(start, count));
        if (i % 8 === 5) inFlight.push(device.flush());
        if (i % 8 === 7) inFlight.push(device.extents(start, count));
      }
      await Promise.all(inFlight);
      ok(!(await readWriters(device)).includes(-1), 'no sector may be torn');
    },
  },
  {
    clause: 'O2',
    title: 'O2: a large range is not starved by small ones',
    async run(context) {
      const device = await context.open();
      const { sizeSectors, sectorSize } = context;
      let done = false;
      let small = 0;
      const keepBusy = async (lane: number) => {
        while (!done) {
          const sector = (small * SMALL_AT_ONCE + lane) % sizeSectors;
          if (lane % 2 === 0) await writeStamped(device, 1, sector, 1);
          else await device.read(sector, [new Uint8Array(sectorSize)]);
          if (++small > SMALL_MAX) throw new Error(`the large range waits behind ${SMALL_MAX} small ones`);
        }
      };
      const lanes = Array.from({ length: SMALL_AT_ONCE }, (_, lane) => keepBusy(lane));
      const large = async () => {
        await writeStamped(device, 2, 0, sizeSectors);
        await readWriters(device);
        done = true;
      };
      await Promise.all([large(), ...lanes]);
    },
  },
  {
    clause: 'O3',
    title: 'O3: where writes overlap, each sector ends with the whole of one of them',
    async run(context) {
      const device = await context.open();
      const { sizeSectors, sectorSize } = context;
      for (let round = 0; round < 4; round++) {
        const writers = Array.from({ length: 8 }, (_, i) => round * 8 + i + 1);
        const reads: Promise<number[]>[] = [];
        const writes = writers.map((writer, i) => {
          const count = sizeSectors - i;
          // Cut into single sectors, in case the device handles each buffer on its own.
          const buffers = Array.from({ length: count }, (_, at) => stamped(writer, i + at, 1, sectorSize));
          reads.push(readWriters(device));
          return device.write(i, buffers);
        });
        await Promise.all(writes);
        const allowed = new Set([0, ...Array.from({ length: (round + 1) * 8 }, (_, i) => i + 1)]);
        for (const seen of await Promise.all(reads)) {
          ok(
            seen.every((writer) => allowed.has(writer)),
            `a read in between must see whole sectors, not ${seen}`,
          );
        }
        const last = await readWriters(device);
        for (const [sector, writer] of last.entries()) {
          ok(writers.includes(writer) && writer - (round * 8 + 1) <= sector, `sector ${sector} ends as ${writer}`);
        }
      }
    },
  },
  {
    clause: 'O4',
    title: 'O4: an aborted signal passed along cancels nothing',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const signal = AbortSignal.abort();
      const contents = [stamped(1, 0, sizeSectors, sectorSize)];
      await Reflect.apply(device.write, device, [0, contents, { signal }]);
      await expectContents(device, [[1, sizeSectors]], 'after the write');
      const buffer = new Uint8Array(sectorSize);
      await Reflect.apply(device.read, device, [0, [buffer], { signal }]);
      strictEqual(
        buffer.some((byte) => byte !== 0),
        true,
        'the read must have filled the buffer',
      );
    },
  },
];
