import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { ok, strictEqual } from '../../assertions/assertions.js';
import {
  expectContents,
  expectDurable,
  expectWriters,
  later,
  readWriters,
  runsOf,
  writeStamped,
} from '../../model/expect.js';
import { describeWriter, stamped, TORN } from '../../model/stamp.js';
import type { Case, Context } from '../case.js';
import { wrapWritten } from './written.js';

/** Sectors of a device that everything in flight overlaps on: each may cost a request each time. */
const OVERLAPPING_SECTORS = 40;

const LANES = 4;
/** Part of the deadline after which what waits behind small operations counts as starved. */
const PATIENCE = 0.8;

/** Calls `large` while small reads and writes never rest, and fails if it does not settle. */
async function amidSmallOnes(context: Context, device: BlockDevice, large: () => Promise<unknown>): Promise<void> {
  const { sectorSize, sizeSectors } = device.info;
  const giveUpAtMs = performance.now() + context.deadlineMs * PATIENCE;
  let done = false;
  let small = 0;
  const next = async () => {
    small++;
    const sector = small % (sizeSectors - 1);
    const operation =
      small % 3 === 0 ? device.read(sector, [new Uint8Array(sectorSize)]) : writeStamped(device, 1, sector, 1);
    // A device that answers within microtasks must not hold back the event loop.
    await Promise.all([operation, macrotasks(1)]);
  };
  const lane = async () => {
    let before = later(next());
    while (!done) {
      if (performance.now() > giveUpAtMs) throw new Error(`still waiting behind ${small} small operations`);
      // Called before the last one is over: there is no moment without one.
      const after = later(next());
      await before;
      before = after;
    }
    await before;
  };
  const lanes = Array.from({ length: LANES }, lane);
  const end = async () => {
    await large();
    done = true;
  };
  await Promise.all([end(), ...lanes]);
}

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
        await expectWriters(device, start, 'right after the write', [writer, 3]);
        if (writer % 5 === 0) {
          await device.writeZeroes(start, 2);
          await expectWriters(device, start, 'right after zeroing', [0, 2], [writer, 1]);
        }
      }
    },
  },
  {
    clause: 'O1',
    title: 'O1: a read after a write sees it while other operations are in flight',
    async run(context) {
      const sizeSectors = Math.min(context.sizeSectors, OVERLAPPING_SECTORS);
      const device = await context.open(sizeSectors);
      const inFlight: Promise<unknown>[] = [];
      for (let writer = 1; writer <= 30; writer++) {
        inFlight.push(later(readWriters(device)), later(device.flush()));
        await writeStamped(device, writer, writer % (sizeSectors - 1), 2);
        inFlight.push(later(device.flush()));
        await expectWriters(device, writer % (sizeSectors - 1), 'right after the write', [writer, 2]);
      }
      await Promise.all(inFlight);
    },
  },
  {
    clause: 'O1',
    title: 'O1: a read sees a write that was made while its sectors were being written back',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await context.wrap();
      base.hold('write');
      let accepted = false;
      const flush = later(
        writeStamped(device, 1, 2, 5).then(() => {
          accepted = true;
          return device.flush();
        }),
      );
      // Sooner or later: a device that writes through is in its write, one that writes back is in its flush.
      await base.called('write');
      const isWrittenBack = accepted;
      const second = later(writeStamped(device, 2, 2, 3));
      await macrotasks(10);
      base.release();
      await Promise.all([flush, second]);
      // Of two writes in flight together either may come last [O3].
      if (!isWrittenBack) return;
      const runs = runsOf([0, 2], [2, 3], [1, 2], [0, 1]);
      await expectWriters(device, 0, 'after the second write', ...runs);
      await device.flush();
      await expectWriters(device, 0, 'after the second flush', ...runs);
      expectDurable(recording, 0, 'after the second flush', ...runs);
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
      const torn = (await readWriters(device)).indexOf(TORN);
      strictEqual(torn, -1, `sector ${torn} is torn`);
    },
  },
  {
    clause: 'O2',
    title: 'O2: a large range is not starved by small ones',
    async run(context) {
      const device = await context.open();
      await amidSmallOnes(context, device, async () => {
        await writeStamped(device, 2, 0, context.sizeSectors);
        await readWriters(device);
      });
    },
  },
  {
    clause: 'O2',
    title: 'O2: neither a flush nor a resize is starved by reads and writes',
    async run(context) {
      const device = await context.open();
      await amidSmallOnes(context, device, async () => {
        await device.flush();
        if (context.subject.resizable ?? true) await device.resize(context.sizeSectors + 1);
        await device.flush();
      });
    },
  },
  {
    clause: 'O2',
    title: 'O2: whatever the base answers last settles too, in whatever order it answers',
    needs: ['wrap'],
    async run(context) {
      const { device, base, sizeSectors } = await wrapWritten(context);
      base.hold('read', 'write', 'flush', 'extents');
      const inFlight: Promise<unknown>[] = [];
      for (let i = 0; i < 32; i++) {
        const start = (i * 5) % (sizeSectors - 4);
        if (i % 4 === 0) inFlight.push(later(writeStamped(device, i + 2, start, 3)));
        else inFlight.push(later(readWriters(device, start, 4)));
        if (i % 8 === 5) inFlight.push(later(device.flush()), later(device.extents(start, 4)));
      }
      await macrotasks(10);
      base.release('write');
      await macrotasks(10);
      base.release();
      await Promise.all(inFlight);
    },
  },
  {
    clause: 'O3',
    title: 'O3: where writes overlap, each sector ends with the whole of one of them',
    async run(context) {
      const { sectorSize } = context;
      const sizeSectors = Math.min(context.sizeSectors, OVERLAPPING_SECTORS);
      const device = await context.open(sizeSectors);
      for (let round = 0; round < 4; round++) {
        const reads: Promise<number[]>[] = [];
        const writes = Array.from({ length: 8 }, (_, i) => {
          // Buffers of single sectors, in case the device handles each buffer on its own.
          const buffers = Array.from({ length: sizeSectors - i }, (__, at) =>
            stamped(round * 8 + i + 1, i + at, 1, sectorSize),
          );
          const write = device.write(i, buffers);
          reads.push(later(readWriters(device)));
          return write;
        });
        await Promise.all(writes);
        const writersMax = (round + 1) * 8;
        for (const seen of await Promise.all(reads)) {
          const wrong = seen.findIndex((writer) => writer < 0 || writer > writersMax);
          strictEqual(wrong, -1, `a read in between sees sector ${wrong} ${describeWriter(seen[wrong] ?? 0)}`);
        }
        const last = await readWriters(device);
        for (const [sector, writer] of last.entries()) {
          const offset = writer - round * 8 - 1;
          ok(
            offset >= 0 && offset < 8 && offset <= sector,
            `sector ${sector} ends as ${describeWriter(writer)}, which was not written there`,
          );
        }
        const runs = last.map((writer) => [writer, 1] as const);
        await expectContents(device, 'read again', ...runs);
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
      await expectContents(device, 'after the write', [1, sizeSectors]);
      const buffer = new Uint8Array(sectorSize);
      await Reflect.apply(device.read, device, [0, [buffer], { signal }]);
      ok(
        buffer.some((byte) => byte !== 0),
        'the read must have filled the buffer',
      );
    },
  },
  {
    clause: 'O4',
    title: 'O4: an operation waits for its base as long as that takes',
    needs: ['wrap'],
    async run(context) {
      const { device, base, sizeSectors } = await wrapWritten(context);
      base.hold('flush');
      let settled = false;
      const flush = later(
        device.flush().finally(() => {
          settled = true;
        }),
      );
      await base.called('flush');
      await macrotasks(100);
      strictEqual(settled, false, 'the flush must wait for the base');
      base.release();
      await flush;
      await expectContents(device, 'after the flush', [1, sizeSectors]);
    },
  },
];
