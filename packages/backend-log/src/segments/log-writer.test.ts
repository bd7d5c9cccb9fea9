import { BlockError } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { MemoryStore, newId, type PutResult } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { checksums } from '../format/checksums.js';
import { TestClock } from '../testing/bucket.js';
import { SEGMENT_BYTES } from '../testing/history.js';
import { LogWriter, type LogWriterParts } from './log-writer.js';

const SECTOR = 512;
const sector = (value: number) => new Uint8Array(SECTOR).fill(value);

function setUp(parts: Partial<LogWriterParts> = {}) {
  const clock = new TestClock();
  const durable: number[] = [];
  const writer = new LogWriter({
    store: new MemoryStore(),
    prefix: 'disk',
    volumeId: newId(),
    epoch: 1,
    opening: newId(),
    firstNumber: 1,
    sealing: checksums,
    clock,
    wallMs: () => clock.wallMs(),
    sectorSize: SECTOR,
    segmentSizeBytes: SEGMENT_BYTES,
    maxInFlightSegments: 2,
    maxOpenAgeMs: 1000,
    onDurable: ({ segment }) => durable.push(segment.name.object / 2),
    onTaken: (url) => new BlockError('FENCED', url),
    ...parts,
  });
  return { writer, clock, durable };
}

test('a flush that has begun when the writer is replaced claims nothing', async () => {
  const soon: (() => void)[] = [];
  const { writer } = setUp({
    clock: Object.assign(new TestClock(), { macrotask: (run: () => void) => soon.push(run) }),
  });
  const error = new BlockError('FENCED', 'another one has it');
  await writer.write(0, [sector(1)]);
  const flushing = writer.flush();
  writer.stop(error);
  for (const run of soon) run();
  await expect(flushing).rejects.toBe(error);
  await expect(writer.flush()).rejects.toBe(error);
});

test('a flush whose segment fills up and is sealed before it comes to that ends with the writer', async () => {
  const soon: (() => void)[] = [];
  const clock = Object.assign(new TestClock(), { macrotask: (run: () => void) => soon.push(run) });
  const store = new MemoryStore();
  store.put = () => new Promise(() => {});
  const { writer } = setUp({ clock, store, maxInFlightSegments: 1 });
  const error = new BlockError('DISCONNECTED', 'given up');
  await writer.write(0, [sector(1)]);
  let outcome: unknown;
  const flushing = writer.flush().catch((failure: unknown) => {
    outcome = failure;
  });
  for (let at = 1; at < 16; at++) await writer.write(at, [sector(at)]);
  expect(writer.nextNumber).toBe(2);
  writer.stop(error);
  for (const run of soon) run();
  await Promise.race([flushing, settled()]);
  expect(outcome).toBe(error);
});

test('memory that a PUT may still send, since it was not answered, is not written to again', async () => {
  /** Sends from the caller's memory, as a socket does, and is not answered the first time. */
  class SlowStore extends MemoryStore {
    readonly sent: { readonly body: Uint8Array; readonly copy: Uint8Array }[] = [];

    override async put(...[key, body, condition, stamp]: Parameters<MemoryStore['put']>): Promise<PutResult> {
      const isFirst = this.sent.length === 0;
      this.sent.push({ body, copy: new Uint8Array(body) });
      if (!isFirst) return super.put(key, body, condition, stamp);
      return { kind: 'failed', error: new BlockError('UNAVAILABLE', 'no answer'), late: true };
    }
  }
  const store = new SlowStore();
  const { writer, clock, durable } = setUp({ store });
  await writer.write(0, [sector(1)]);
  await clock.advanceAndSettle(2000);
  expect(durable).toEqual([1]);
  for (let value = 2; value < 8; value++) {
    await writer.write(0, [sector(value)]);
    await writer.flush();
  }
  expect(durable).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(store.sent[0]?.body).toEqual(store.sent[0]?.copy);
});

test('a store that takes nothing makes writers wait, and then fail; memory stays within its bound, and all gets through in the end', async () => {
  const store = new MemoryStore();
  let isDown = true;
  const put = store.put.bind(store);
  const error = new BlockError('UNAVAILABLE', 'down');
  store.put = async (...request) => (isDown ? { kind: 'failed', error, late: false } : put(...request));
  const { writer, clock, durable } = setUp({ store });
  const outcomes: unknown[] = [];
  const most = 3 * writer.byteLength || Number.POSITIVE_INFINITY;
  for (let at = 0; at < 400; at++) {
    const writing = Promise.resolve()
      .then(() => writer.write(at, [sector(at % 250)]))
      .catch((failure: unknown) => failure);
    void writing.then((outcome) => outcomes.push(outcome));
  }
  await clock.advanceAndSettle(60_000);
  expect(outcomes.filter((outcome) => outcome === error).length).toBeGreaterThan(300);
  expect(writer.byteLength).toBeLessThan(Math.min(most, 4 * SEGMENT_BYTES));
  isDown = false;
  await clock.advanceAndSettle(20_000);
  await writer.flush();
  await settled();
  expect(durable).toEqual(Array.from({ length: durable.length }, (_, at) => at + 1));
  expect(writer.unflushedBytes).toBe(0);
  expect(clock.timers).toEqual([]);
});

test('what is not durable is as old as the change that opened its segment, until the store has it', async () => {
  const stored: (() => void)[] = [];
  const store = new MemoryStore();
  const put = store.put.bind(store);
  store.put = async (...request) => {
    await new Promise<void>((resolve) => stored.push(resolve));
    return put(...request);
  };
  const { writer, clock } = setUp({ store });
  expect([writer.unflushedBytes, writer.oldestUnflushedMs]).toEqual([0, undefined]);
  await writer.write(0, [sector(1)]);
  await clock.advanceAndSettle(30);
  await writer.write(1, [sector(1)]);
  expect([writer.unflushedBytes, writer.oldestUnflushedMs]).toEqual([2 * SECTOR, 30]);
  const flushing = writer.flush();
  await settled();
  await clock.advanceAndSettle(20);
  await writer.write(2, [sector(1)]);
  await clock.advanceAndSettle(5);
  expect([writer.unflushedBytes, writer.oldestUnflushedMs]).toEqual([3 * SECTOR, 55]);
  // Durable, although the map does not have it yet.
  const release = writer.hold();
  stored.shift()?.();
  await flushing;
  expect([writer.unflushedBytes, writer.oldestUnflushedMs]).toEqual([SECTOR, 5]);
  release();
  const last = writer.flush();
  await settled();
  stored.shift()?.();
  await last;
  expect([writer.unflushedBytes, writer.oldestUnflushedMs]).toEqual([0, undefined]);
  expect(writer.durableBytes).toBe(3 * SECTOR);
});
