import assert from 'node:assert/strict';
import { ManualClock, macrotasks } from '@blockyard/block/testing';
import { beforeEach, describe, test } from 'vitest';
import type { Wire } from '../../wire/wire.js';
import { Pace } from '../fairness/pace.js';
import { Arena } from '../memory/arena.js';
import { Budget } from '../memory/budget.js';
import { BufferPool, SCRATCH_BYTES } from '../memory/buffer-pool.js';
import { Outbound } from './outbound.js';

const MIB = 1024 * 1024;
const BATCH_BYTES_MAX = 1000;

/** A wire whose writes finish when a test says so. */
class SlowWire {
  readonly batchBytesMax = BATCH_BYTES_MAX;
  readonly writes: { readonly bytes: Buffer; readonly buffers: number; readonly sent: () => void }[] = [];

  write(buffers: readonly Uint8Array[], sent: () => void): void {
    this.writes.push({ bytes: Buffer.concat(buffers), buffers: buffers.length, sent });
  }
}

let wire = new SlowWire();
let pool = new BufferPool(MIB);
let budget = new Budget({ totalBytes: 64 * MIB, clientBytes: 32 * MIB, clientsMax: 1 });
let arena = new Arena(pool, budget.open());
let sent = 0;
let onSent: (replies: number) => void = () => {};
let ready: number[] = [];
let clock = new ManualClock();
/** Requests whose replies are still to come. */
let others = 0;
const host = {
  get outstanding() {
    return outbound.pendingReplies + others;
  },
  onReady: (nowMs: number) => ready.push(nowMs),
  onSent: (replies: number) => {
    sent += replies;
    onSent(replies);
  },
};
let outbound: Outbound = new Outbound(wire as unknown as Wire, arena, pool, clock, new Pace(), host);

beforeEach(() => {
  wire = new SlowWire();
  pool = new BufferPool(MIB);
  budget = new Budget({ totalBytes: 64 * MIB, clientBytes: 32 * MIB, clientsMax: 1 });
  arena = new Arena(pool, budget.open());
  sent = 0;
  onSent = () => {};
  ready = [];
  others = 0;
  clock = new ManualClock();
  outbound = new Outbound(wire as unknown as Wire, arena, pool, clock, new Pace(), host);
});

/** A reply of so many bytes, all of one value. */
const push = (lengthBytes: number, value: number): void => {
  const part = arena.tryTake(lengthBytes);
  assert.ok(part !== undefined);
  part.buffer.bytes.fill(value, part.at, part.at + lengthBytes);
  outbound.push(part.buffer, part.at, part.at + lengthBytes);
};
const tiny = (value: number): void => {
  const { buffer, at } = outbound.scratch(16);
  buffer.bytes.fill(value, at, at + 16);
  outbound.push(buffer, at, at + 16);
};

/** The end of a callback of the event loop; the iteration goes on. */
const callback = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe('Outbound', () => {
  test('sends what becomes ready in one iteration in one write, what lies side by side as one buffer', async () => {
    for (let i = 0; i < 5; i++) push(100, i);
    await macrotasks();
    assert.equal(wire.writes.length, 1);
    assert.equal(wire.writes[0]?.buffers, 1);
    assert.deepEqual(wire.writes[0]?.bytes, Buffer.concat([0, 1, 2, 3, 4].map((value) => Buffer.alloc(100, value))));
  });

  test('tells once of all that becomes ready in one callback, also while others are on their way', async () => {
    for (let i = 0; i < 5; i++) push(100, i);
    clock.advance(3);
    await macrotasks();
    assert.deepEqual(ready, [3]);
    clock.advance(4);
    tiny(1);
    await macrotasks();
    assert.deepEqual([ready, wire.writes.length], [[3, 7], 1]);
  });

  test('a client that had nothing to take for long has not stood still when it has something', async () => {
    clock.advance(1000);
    push(100, 1);
    assert.ok(outbound.progressAtMs >= 1000);
    await macrotasks();
    clock.advance(5);
    push(100, 2);
    await macrotasks();
    assert.equal(outbound.progressAtMs, 1000);
  });

  test('waits for what comes in other callbacks of an iteration, while more is to come', async () => {
    others = 9;
    tiny(1);
    await callback();
    tiny(2);
    await callback();
    assert.equal(wire.writes.length, 0);
    await macrotasks();
    assert.deepEqual(
      wire.writes.map(({ bytes }) => bytes.byteLength),
      [32],
    );
  });

  test('waits for nothing once all is there', async () => {
    others = 1;
    tiny(1);
    await callback();
    others = 0;
    tiny(2);
    await callback();
    assert.deepEqual(
      wire.writes.map(({ bytes }) => bytes.byteLength),
      [32],
    );
  });

  test('waits only now and then where nothing comes', async () => {
    others = 1;
    let waits = 0;
    for (let i = 0; i < 1000; i++) {
      tiny(1);
      await callback();
      if (wire.writes.length === 0) waits++;
      await macrotasks();
      for (const write of wire.writes.splice(0)) write.sent();
    }
    assert.ok(waits > 10 && waits < 30, `${waits} times of 1000`);
    assert.equal(sent, 1000);
  });

  test('has one write on its way at a time, and no more than the wire takes', async () => {
    push(2500, 7);
    tiny(9);
    await macrotasks();
    assert.deepEqual(
      wire.writes.map(({ bytes }) => bytes.byteLength),
      [1000],
    );
    wire.writes[0]?.sent();
    assert.equal(wire.writes.length, 1, 'after as much as the wire takes, the event loop goes on');
    await macrotasks();
    wire.writes[1]?.sent();
    await macrotasks();
    assert.equal(sent, 0);
    wire.writes[2]?.sent();
    assert.deepEqual(
      wire.writes.map(({ bytes }) => bytes.byteLength),
      [1000, 1000, 516],
    );
    assert.equal(sent, 2);
    assert.equal(budget.usedBytes, 0);
    assert.equal(outbound.pendingBytes, 0);
  });

  test('loses no reply that becomes ready while it tells that others were sent', async () => {
    let more = 3;
    onSent = () => {
      if (more-- > 0) {
        tiny(more);
        queueMicrotask(() => tiny(100 + more));
      }
    };
    tiny(1);
    tiny(2);
    for (let i = 0; i < 20; i++) {
      await macrotasks();
      for (const write of wire.writes.splice(0)) write.sent();
    }
    assert.equal(sent, 8);
    assert.equal(outbound.pendingBytes, 0);
  });

  test('sends what is lent behind its header, and gives it back when all of it is sent', async () => {
    let released = 0;
    const views = [Buffer.alloc(600, 1), Buffer.alloc(700, 2)];
    const { buffer, at } = outbound.scratch(40);
    buffer.bytes.fill(9, at, at + 16);
    outbound.pushLent(buffer, at, at + 16, views, () => released++);
    tiny(3);
    await macrotasks();
    wire.writes[0]?.sent();
    await macrotasks();
    assert.deepEqual([sent, released], [0, 0]);
    wire.writes[1]?.sent();
    assert.deepEqual([sent, released], [2, 1]);
    const bytes = Buffer.concat(wire.writes.map((write) => write.bytes));
    assert.deepEqual(bytes, Buffer.concat([Buffer.alloc(16, 9), ...views, Buffer.alloc(16, 3)]));
    assert.equal(pool.idleBytes, SCRATCH_BYTES);
  });

  test('gives back what is lent when the connection is gone', async () => {
    let released = 0;
    const lend = () => {
      const { buffer, at } = outbound.scratch(16);
      outbound.pushLent(buffer, at, at + 16, [Buffer.alloc(100)], () => released++);
    };
    lend();
    await macrotasks();
    lend();
    outbound.close();
    assert.deepEqual([sent, released], [2, 2]);
    lend();
    assert.deepEqual([sent, released], [3, 3]);
  });

  test('gives everything back when the connection is gone, also what comes later', async () => {
    push(100, 1);
    await macrotasks();
    push(100, 2);
    const late = arena.tryTake(100_000);
    assert.ok(late !== undefined);
    outbound.close();
    assert.equal(sent, 2);
    outbound.push(late.buffer, late.at, late.at + 100_000);
    assert.equal(sent, 3);
    assert.equal(budget.usedBytes, 0);
    wire.writes[0]?.sent();
    assert.equal(sent, 3);
  });
});

describe('Arena', () => {
  test('counts small requests by the slab they share, and large ones as the next power of two', () => {
    const parts = Array.from({ length: 3 }, () => arena.tryTake(64 * 1024));
    assert.equal(budget.usedBytes, 256 * 1024);
    const large = arena.tryTake(MIB + 28);
    assert.equal(budget.usedBytes, 256 * 1024 + MIB);
    for (const part of parts) if (part !== undefined) arena.give(part.buffer);
    assert.equal(budget.usedBytes, MIB);
    if (large !== undefined) arena.give(large.buffer);
    assert.equal(budget.usedBytes, 0);
  });

  test('hands out each byte once', () => {
    const parts = Array.from({ length: 1000 }, () => arena.tryTake(5000));
    const seen = new Map<unknown, number>();
    for (const part of parts) {
      assert.ok(part !== undefined && part.at >= (seen.get(part.buffer) ?? 0));
      assert.ok(part.at + 5000 <= part.buffer.bytes.byteLength);
      seen.set(part.buffer, part.at + 5000);
    }
  });

  test('waits for memory and then has it', () => {
    const held = arena.tryTake(32 * MIB);
    let granted = false;
    arena.wait(MIB, () => {
      granted = true;
    });
    assert.equal(granted, false);
    if (held !== undefined) arena.give(held.buffer);
    assert.equal(granted, true);
    assert.equal(budget.usedBytes, MIB);
  });
});

describe('BufferPool', () => {
  test('keeps no more than it may', () => {
    const buffers = Array.from({ length: 8 }, () => pool.take(MIB / 2));
    for (const buffer of buffers) pool.give(buffer);
    assert.equal(pool.idleBytes, MIB);
    assert.equal(pool.take(MIB / 2), buffers[1]);
    assert.equal(pool.madeCount, 8);
  });
});
