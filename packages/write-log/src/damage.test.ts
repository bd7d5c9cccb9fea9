import { BlockError } from '@blockyard/block';
import { errorOf, ManualClock, settled } from '@blockyard/block/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inspectWriteLog } from './index.js';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const RING_START = 131_072;
const RECORDS = 6;
/** A header and a sector. */
const RECORD_BYTES = 2 * SECTOR;
/** What a header of one extent uses of its sector. */
const HEADER_USED_BYTES = 160;

/** A log that has `RECORDS` records of one sector each, the `n`th with the byte `n` in sector `n`, all of them flushed. */
async function filled({ drainedFirst = 0 } = {}) {
  const scene = new Scene(new Disk(16 << 10, SECTOR), new Disk(SMALL_MEDIUM_BYTES, SECTOR));
  const clock = new ManualClock();
  const device = await scene.open({ clock });
  for (let n = 1; n <= drainedFirst + RECORDS; n++) {
    await write(device, n, n);
    await device.flush();
    if (n === drainedFirst) await device.drain();
  }
  expect(scene.base.bytes.some((byte) => byte > drainedFirst)).toBe(false);
  return { scene, clock, device, firstAt: RING_START + drainedFirst * RECORD_BYTES, last: drainedFirst + RECORDS };
}

/** How many of the first sectors a log gives that can only be read; or the code that it is refused with. */
async function countOf(scene: Scene, last: number): Promise<number | string> {
  const device = await scene.open({ readOnly: true, clock: new ManualClock() }).catch((error: BlockError) => error);
  if (device instanceof BlockError) return device.code;
  const found: number[] = [];
  for (let n = 1; n <= last; n++) found.push(await byteAt(device, n));
  await device.disconnect();
  const count = found.findIndex((byte, i) => byte !== i + 1);
  if (count === -1) return last;
  expect(found.slice(count).every((byte) => byte === 0)).toBe(true);
  return count;
}

/** The outcome with each byte of the range flipped in turn, and how often. */
async function outcomes(scene: Scene, last: number, from: number, lengthBytes: number): Promise<Map<unknown, number>> {
  const { bytes } = scene.medium;
  const found = new Map<unknown, number>();
  for (let at = from; at < from + lengthBytes; at++) {
    const before = bytes[at] ?? 0;
    bytes[at] = before ^ (1 << (at % 8));
    const outcome = await countOf(scene, last);
    bytes[at] = before;
    found.set(outcome, (found.get(outcome) ?? 0) + 1);
  }
  return found;
}

describe('A flipped byte', () => {
  test('of either superblock costs nothing, or is CORRUPT where only that one knew', async () => {
    const { scene, device, last } = await filled({ drainedFirst: 3 });
    await die(device);
    for (const slot of [0, 65_536]) {
      const found = await outcomes(scene, last, slot, 512);
      expect([...found.keys()].every((outcome) => outcome === last || outcome === 'CORRUPT')).toBe(true);
    }
  });

  test('of either superblock costs nothing that was flushed since the log was opened', async () => {
    const { scene, device, last } = await filled();
    await die(device);
    for (const slot of [0, 65_536]) expect(await outcomes(scene, last, slot + 8, 40)).toEqual(new Map([[last, 40]]));
  });

  test('of what was flushed since the log was left, and opened again, is CORRUPT', async () => {
    const { scene, clock, device, firstAt, last } = await filled();
    await device.prepareToLeave();
    await device.disconnect();
    const again = await scene.open({ clock });
    for (const n of [last + 1, last + 2]) {
      await write(again, n, n);
      await again.flush();
    }
    await die(again);
    expect(await countOf(scene, last + 2)).toBe(last + 2);
    const found = await outcomes(scene, last + 2, firstAt + RECORDS * RECORD_BYTES, 8);
    expect(found).toEqual(new Map([['CORRUPT', 8]]));
  });

  test('of both is CORRUPT', async () => {
    const { scene, device, last } = await filled();
    await die(device);
    scene.medium.bytes[100] = 1;
    scene.medium.bytes[65_536 + 100] = 1;
    expect(await countOf(scene, last)).toBe('CORRUPT');
    expect(await errorOf(scene.open({ acceptLoss: true }))).toMatchObject({ code: 'CORRUPT' });
    expect(await errorOf(inspectWriteLog(scene.medium.open()))).toMatchObject({ code: 'CORRUPT' });
  });

  test.each([0, 3])('of a header or of its data is CORRUPT, with %i records drained before', async (drainedFirst) => {
    const { scene, device, firstAt, last } = await filled({ drainedFirst });
    await die(device);
    for (const i of [0, RECORDS - 2]) {
      const at = firstAt + i * RECORD_BYTES;
      expect(await outcomes(scene, last, at, HEADER_USED_BYTES)).toEqual(new Map([['CORRUPT', HEADER_USED_BYTES]]));
      expect(await outcomes(scene, last, at + SECTOR, 64)).toEqual(new Map([['CORRUPT', 64]]));
    }
    // The rest of a header's sector is not used.
    expect(await outcomes(scene, last, firstAt + HEADER_USED_BYTES, 32)).toEqual(new Map([[last, 32]]));
  });

  test('of the newest record looks like a write that was cut off, until a superblock knows better', async () => {
    const { scene, clock, device, firstAt, last } = await filled();
    const at = firstAt + (RECORDS - 1) * RECORD_BYTES;
    expect(await outcomes(scene, last, at, HEADER_USED_BYTES)).toEqual(new Map([[last - 1, HEADER_USED_BYTES]]));
    await clock.advanceAndSettle(1000);
    await die(device);
    expect(await outcomes(scene, last, at, HEADER_USED_BYTES)).toEqual(new Map([['CORRUPT', HEADER_USED_BYTES]]));
    expect(await outcomes(scene, last, at + SECTOR, 64)).toEqual(new Map([['CORRUPT', 64]]));
  });

  test('of the newest record is CORRUPT after an end in which the base could not be reached', async () => {
    const { scene, device, firstAt, last } = await filled();
    scene.base.onCall = (operation) => {
      if (operation === 'write') throw new BlockError('UNAVAILABLE', 'away');
    };
    await device.disconnect();
    scene.medium.bytes[firstAt + (RECORDS - 1) * RECORD_BYTES] = 0;
    expect(await countOf(scene, last)).toBe('CORRUPT');
  });

  test('is told by an inspection, with what comes before', async () => {
    const { scene, device, firstAt } = await filled();
    await die(device);
    scene.medium.bytes[firstAt + 2 * RECORD_BYTES + SECTOR] = 0xff;
    const found = await inspectWriteLog(scene.medium.open());
    expect(found).toMatchObject({ undrained: { records: 2, bytes: 2 * SECTOR }, error: { code: 'CORRUPT' } });
  });
});

describe('What comes before the damage', () => {
  test('is there where the loss is accepted, and what lies behind it never comes back', async () => {
    const { scene, device, firstAt, last } = await filled();
    await die(device);
    const { bytes } = scene.medium;
    const at = firstAt + 2 * RECORD_BYTES + SECTOR;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const again = await scene.open({ acceptLoss: true });
    expect(await byteAt(again, 2)).toBe(2);
    expect(await byteAt(again, 3)).toBe(0);
    await die(again);
    // Mended, it would fit again.
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(await countOf(scene, last)).toBe(2);
  });
});

describe('A sector that cannot be read', () => {
  /** The medium fails to read what has the byte in it. */
  function unreadable(scene: Scene, byte: number): void {
    scene.medium.onCall = (operation, at, sizeBytes) => {
      const isHit = operation === 'read' && at <= byte && byte < at + sizeBytes;
      if (isHit) throw new BlockError('IO', 'unreadable');
    };
  }

  test('costs nothing where no record is', async () => {
    const { scene, device, firstAt, last } = await filled();
    await die(device);
    for (const behind of [1, 100]) {
      unreadable(scene, firstAt + RECORDS * RECORD_BYTES + behind * SECTOR);
      expect(await countOf(scene, last)).toBe(last);
    }
  });

  test('costs nothing where one of the superblocks is', async () => {
    const { scene, device, last } = await filled();
    await die(device);
    for (const slot of [0, 65_536]) {
      unreadable(scene, slot);
      expect(await countOf(scene, last)).toBe(last);
    }
  });

  test('is CORRUPT where a record may be, and what comes before is there where the loss is accepted', async () => {
    const { scene, device, firstAt, last } = await filled();
    await die(device);
    for (let i = 0; i < RECORDS; i++) {
      for (const part of [0, SECTOR]) {
        unreadable(scene, firstAt + i * RECORD_BYTES + part);
        expect(await countOf(scene, last)).toBe('CORRUPT');
      }
    }
    unreadable(scene, firstAt + 2 * RECORD_BYTES + SECTOR);
    const again = await scene.open({ acceptLoss: true });
    expect([await byteAt(again, 2), await byteAt(again, 3)]).toEqual([2, 0]);
    await again.disconnect();
    scene.medium.onCall = () => {};
    expect(await countOf(scene, last)).toBe(2);
  });

  test('that has a superblock, and only for a moment, costs nothing at whichever read of an opening', async () => {
    for (const drainedFirst of [0, 1]) {
      let hits = 0;
      for (let at = 0; hits === at; at++) {
        const { scene, device, last } = await filled({ drainedFirst });
        await die(device);
        let reads = 0;
        scene.medium.onCall = (operation, byte) => {
          if (operation !== 'read' || byte > 65_536 || reads++ !== at) return;
          hits++;
          throw new BlockError('IO', 'for a moment');
        };
        const again = await scene.open({ clock: new ManualClock() });
        expect(await byteAt(again, last)).toBe(last);
        await write(again, 1, 99);
        await again.flush();
        await die(again);
        const third = await scene.open({ readOnly: true, clock: new ManualClock() });
        expect([await byteAt(third, 1), await byteAt(third, last)]).toEqual([99, last]);
        await third.disconnect();
      }
      expect(hits).toBeGreaterThan(5);
    }
  });

  test('that has a superblock is what an opening fails with where it can be read every other time', async () => {
    const { scene, device, last } = await filled();
    await die(device);
    for (const slot of [0, 65_536]) {
      let reads = 0;
      scene.medium.onCall = (operation, byte) => {
        if (operation === 'read' && byte === slot && reads++ % 2 === 0) throw new BlockError('IO', 'now and then');
      };
      const again = await scene.open({ clock: new ManualClock() }).catch((error: BlockError) => error);
      if (again instanceof BlockError) expect(again.code).toBe('IO');
      else await die(again);
      scene.medium.onCall = () => {};
      expect(await countOf(scene, last)).toBe(last);
    }
  });

  test('that is zeroed on an empty medium is no damaged superblock', async () => {
    const scene = new Scene(new Disk(16 << 10, SECTOR), new Disk(SMALL_MEDIUM_BYTES, SECTOR));
    scene.medium.onCall = (operation, byte) => {
      if (operation === 'read' && byte === 65_536) throw new BlockError('IO', 'unreadable');
    };
    expect(await errorOf(scene.open())).toMatchObject({ code: 'IO' });
  });

  test('is what the medium fails with where it can read no superblock', async () => {
    const { scene, device } = await filled();
    await die(device);
    scene.medium.onCall = () => Promise.reject(new BlockError('IO', 'unreadable'));
    expect(await errorOf(scene.open({ acceptLoss: true }))).toMatchObject({ code: 'IO' });
  });
});

/** Writes, each of so many sectors from a sector on. */
const aWrite = fc.record({ start: fc.nat(20), count: fc.integer({ min: 1, max: 5 }) });

describe('A power cut', () => {
  test('leaves a prefix of the writes with all that was flushed, whichever sectors of the rest were written', async () => {
    const property = fc.asyncProperty(
      fc.array(aWrite, { maxLength: 5 }),
      fc.array(aWrite, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.infiniteStream(fc.boolean()),
      async (flushed, later, isLapped, coins) => {
        const scene = new Scene(new Disk(16 << 10, SECTOR), new Disk(SMALL_MEDIUM_BYTES, SECTOR));
        const device = await scene.open({ clock: new ManualClock() });
        // Where the ring was filled before, what is not written is a record of an earlier lap, and not zeroes.
        for (let i = 0; isLapped && i < 80; i++) await write(device, 0, 0, 32);
        if (isLapped) await device.drain();
        const states = [Uint8Array.from(scene.base.bytes)];
        let byte = 0;
        const apply = async ({ start, count }: { start: number; count: number }) => {
          byte++;
          await write(device, start, byte, count);
          const state = Uint8Array.from(states.at(-1) ?? []);
          states.push(state.fill(byte, start * SECTOR, (start + count) * SECTOR));
          // Each is a record of its own.
          await settled();
        };
        for (const each of flushed) await apply(each);
        await device.flush();
        const before = scene.medium.clone();
        for (const each of later) await apply(each);
        await die(device);
        for (let at = RING_START; at < SMALL_MEDIUM_BYTES; at += SECTOR) {
          const [old, now] = [before.bytes.subarray(at, at + SECTOR), scene.medium.bytes.subarray(at, at + SECTOR)];
          if (Buffer.compare(old, now) !== 0 && coins.next().value) now.set(old);
        }
        const again = await scene.open({ readOnly: true, clock: new ManualClock() });
        const found = new Uint8Array(scene.base.bytes.byteLength);
        await again.read(0, [found]);
        const prefix = states.findIndex((state, i) => i >= flushed.length && Buffer.compare(state, found) === 0);
        expect(prefix).toBeGreaterThanOrEqual(flushed.length);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});
