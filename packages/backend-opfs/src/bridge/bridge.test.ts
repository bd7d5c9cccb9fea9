import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MemoryOrigin, originOf } from '../testing/memory-origin.js';
import { overWorker, type WorkerLike } from './client.js';
import { serveOpfs } from './host.js';

const SECTOR = 4096;
const MESSAGE_BYTES = 4 << 20;

type Listener = (event: { readonly data: unknown }) => void;

/** A worker in this thread, with messages that are copied and transferred as between threads. */
class LocalWorker implements WorkerLike {
  /** Messages are lost from here on, as if it hung. */
  hangs = false;
  isTerminated = false;
  readonly sent: unknown[] = [];
  readonly #listeners = new Map<string, Listener[]>();
  #receive: Listener = () => {};

  constructor() {
    serveOpfs({
      addEventListener: (_, listener) => {
        this.#receive = listener;
      },
      postMessage: (message, transfer) => this.emit('message', structuredClone(message, { transfer })),
    });
  }

  postMessage(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.sent.push(message);
    const data = structuredClone(message, { transfer });
    if (!this.hangs) queueMicrotask(() => this.#receive({ data }));
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  emit(type: string, data: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data, ...(data as object) });
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

let origin: MemoryOrigin;
let worker: LocalWorker;
let opfs: ReturnType<typeof overWorker>;

beforeEach(() => {
  origin = originOf(vi.stubGlobal);
  worker = new LocalWorker();
  opfs = overWorker(worker);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function open(sizeSectors: number) {
  await opfs.create({ name: 'disk', sizeSectors });
  return opfs.connect({ name: 'disk' });
}

test('a page does through a worker what a worker does by itself', async () => {
  const device = await open(16);
  expect(device.info).toMatchObject({ name: 'opfs:blockyard/disk', sectorSize: SECTOR, sizeSectors: 16 });
  await device.write(3, [new Uint8Array(2 * SECTOR).fill(7)]);
  await device.flush();
  const bytes = new Uint8Array(3 * SECTOR);
  await device.read(3, [bytes]);
  expect([bytes[0], bytes[2 * SECTOR - 1], bytes[2 * SECTOR]]).toEqual([7, 7, 0]);
  expect(await device.extents(0, 16)).toHaveLength(2);
  await device.disconnect();
  expect(await opfs.list()).toMatchObject([{ name: 'disk', sizeSectors: 16 }]);
  await opfs.delete({ name: 'disk' });
  expect(origin.files.size).toBe(0);
});

test('errors come with their code, and whether to try again', async () => {
  const device = await open(16);
  await expect(opfs.connect({ name: 'disk' })).rejects.toMatchObject({ code: 'LOCKED', retryable: true });
  await expect(opfs.connect({ name: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND', name: 'BlockError' });
  await expect(opfs.connect({ name: 'a', size: 1 } as { name: string })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(opfs.connect({ name: Symbol('x') } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await device.disconnect();
});

test("a caller's memory stays the caller's, and large transfers go in messages, a few at a time", async () => {
  const device = await open(8192);
  const bytes = new Uint8Array(32 << 20).fill(1);
  const write = device.write(0, [bytes]);
  const data = () => worker.sent.filter((message) => JSON.stringify(message).includes('"write"'));
  expect(data()).toHaveLength(4);
  await write;
  expect(bytes.byteLength).toBe(32 << 20);
  expect(data()).toHaveLength((32 << 20) / MESSAGE_BYTES);
  const read = new Uint8Array(32 << 20);
  await device.read(0, [read.subarray(0, SECTOR), read.subarray(SECTOR)]);
  expect(read.every((byte) => byte === 1)).toBe(true);
});

test('messages that are not of this package are left alone, in both directions', async () => {
  worker.emit('message', { hello: 1 });
  worker.emit('message', { protocol: 'blockyard-opfs-1', id: 999, result: undefined });
  worker.postMessage({ unrelated: true });
  expect(await opfs.list()).toEqual([]);
});

describe('a worker', () => {
  test('that fails makes fail what is in flight, and all that comes later', async () => {
    const device = await open(16);
    worker.hangs = true;
    const read = device.read(0, [new Uint8Array(SECTOR)]);
    const list = opfs.list();
    worker.emit('error', { message: 'out of memory' });
    await expect(read).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    await expect(list).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(device.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await device.disconnect({ force: true });
  });

  test('that is terminated does so, too', async () => {
    const device = await open(16);
    worker.hangs = true;
    const flush = device.flush();
    opfs.terminate();
    await expect(flush).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(worker.isTerminated).toBe(true);
  });

  test('that hangs does not hold up a forced end, and is sent nothing more of what was given up', async () => {
    const device = await open(8192);
    worker.hangs = true;
    const write = device.write(0, [new Uint8Array(32 << 20)]);
    write.catch(() => {});
    await device.disconnect({ force: true });
    await expect(write).rejects.toMatchObject({ code: 'DISCONNECTED' });
    const sent = worker.sent.length;
    expect(JSON.stringify(worker.sent.at(-1))).toContain('"disconnect"');
    await new Promise((resolve) => setImmediate(resolve));
    expect(worker.sent).toHaveLength(sent);
  });
});
