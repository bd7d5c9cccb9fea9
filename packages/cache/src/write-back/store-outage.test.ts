import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { connectS3, createVolume, type StoreOptions } from '@blockyard/backend-s3';
import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { Random, VirtualTime } from '@blockyard/conformance/simulator';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CacheDevice, connectCache } from '../connect.js';

const SECTOR = 4096;
const LINE_SECTORS = 4;
const SIZE_SECTORS = 4096;
const MINUTE_MS = 60_000;

/** Macrotasks after which nothing happens by itself, if no request is under way. */
const MACROTASKS_TO_REST = 8;

let store: LocalS3;
let link: BreakableLink;
let time: VirtualTime;
let at: StoreOptions;
let volumes = 0;

beforeAll(async () => {
  store = await startLocalS3();
});
afterAll(() => store.stop());
beforeEach(() => {
  link = new BreakableLink(store);
  time = new VirtualTime(new Random(1));
  at = { client: link.client, bucket: store.bucket, prefix: `outage-${volumes++}` };
});

/** A client of the store whose requests are all refused while the store is away. */
class BreakableLink {
  isAway = false;
  refused = 0;
  readonly client: ReturnType<LocalS3['client']>;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(local: LocalS3) {
    this.client = local.client({ maxAttempts: 1 });
    this.client.middlewareStack.add(
      (next) => (args) => {
        if (this.isAway) {
          this.refused++;
          return Promise.reject(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' }));
        }
        const answer = next(args);
        this.#track(answer.then(({ output }) => bodyEnd(output)));
        return answer;
      },
      { step: 'initialize', name: 'breakable' },
    );
  }

  #track(step: Promise<unknown>): void {
    const done = () => this.#underWay.delete(step);
    this.#underWay.add(step);
    step.then(done, done);
  }

  /** Resolves when nothing happens any longer that waits for no timer. */
  async rest(): Promise<void> {
    do {
      await Promise.allSettled(this.#underWay);
      await macrotasks(MACROTASKS_TO_REST);
    } while (this.#underWay.size > 0);
  }
}

/** Resolves when the body of an answer, if it has one, has come, or is given up. */
async function bodyEnd(output: object): Promise<void> {
  if ('Body' in output && output.Body instanceof Readable) await finished(output.Body);
}

/** Whether a promise has completed or failed; `pending` until then. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'pending' };
  promise.then(
    () => {
      watched.outcome = 'resolved';
    },
    (error: unknown) => {
      watched.outcome = error;
    },
  );
  return watched;
}

/** Lets time pass on the clock of the volume and of the cache, with all that happens in it. */
async function pass(ms: number): Promise<void> {
  let isOver = false;
  time.set(() => {
    isOver = true;
  }, ms);
  while (!isOver) {
    await link.rest();
    time.step();
  }
  await link.rest();
}

/** Lets as much time pass as it takes until `promise` is settled, and not more than `maxMs`. */
async function within<T>(maxMs: number, promise: Promise<T>): Promise<T> {
  const endMs = time.now() + maxMs;
  const watched = watch(promise);
  await link.rest();
  while (watched.outcome === 'pending' && time.now() < endMs) await pass(100);
  expect(watched.outcome).not.toBe('pending');
  return promise;
}

async function openCached(maxOutageMs: number): Promise<CacheDevice> {
  await createVolume({ ...at, sectorSize: SECTOR, sizeSectors: SIZE_SECTORS, objectSizeBytes: 64 * SECTOR });
  const base = await within(MINUTE_MS, connectS3({ ...at, clock: time, random: () => 0.5, maxOutageMs }));
  const lineSize = LINE_SECTORS * SECTOR;
  return connectCache(base, { lineSize, maxSizeBytes: 2 ** 20, readAhead: false, seed: 1, clock: time });
}

const line = (number: number, value: number): [number, Uint8Array[]] => [
  number * LINE_SECTORS,
  [new Uint8Array(LINE_SECTORS * SECTOR).fill(value)],
];

const fillOf = (number: number) => 1 + (number % 255);

async function readLine(device: BlockDevice, number: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(LINE_SECTORS * SECTOR);
  await device.read(number * LINE_SECTORS, [bytes]);
  return bytes;
}

/** Line `number` is read without any time passing. */
async function expectCached(device: BlockDevice, number: number, value: number): Promise<void> {
  const read = readLine(device, number);
  const watched = watch(read);
  await link.rest();
  expect(watched.outcome).toBe('resolved');
  expect(await read).toEqual(new Uint8Array(LINE_SECTORS * SECTOR).fill(value));
}

/** Writes line after line from `from` on until a write waits. */
async function writeUntilFull(device: CacheDevice, from: number) {
  for (let number = from; number <= from + device.snapshot().linesMax; number++) {
    const last = watch(device.write(...line(number, fillOf(number))));
    await link.rest();
    if (last.outcome === 'pending') return { end: number, last };
    expect(last.outcome).toBe('resolved');
  }
  throw new Error('more lines were taken than there is memory for');
}

async function expectStored(values: Iterable<[number, number]>): Promise<void> {
  const reader = await connectS3({ ...at, readOnly: true });
  for (const [number, value] of values) {
    const bytes = await readLine(reader, number);
    expect(
      bytes.every((byte) => byte === value),
      `line ${number} is all ${value}`,
    ).toBe(true);
  }
  await reader.disconnect();
}

describe('While the store below is away', () => {
  test('writers meet no error until memory is full, and then wait; what is cached is read; all is stored afterwards', async () => {
    const device = await openCached(60 * MINUTE_MS);
    await device.write(...line(0, 200));
    await within(MINUTE_MS, device.flush());
    link.isAway = true;

    await device.write(...line(1, 201));
    const early = watch(device.flush());
    await pass(2 * MINUTE_MS);
    expect(early.outcome).toBe('pending');
    await expectCached(device, 0, 200);
    await expectCached(device, 1, 201);

    const { end, last } = await writeUntilFull(device, 2);
    expect(end - 2).toBeGreaterThanOrEqual(Math.floor(device.snapshot().linesMax / 4));
    const late = watch(device.flush());
    for (let minute = 0; minute < 10; minute++) {
      await pass(MINUTE_MS);
      expect([early.outcome, last.outcome, late.outcome]).toEqual(['pending', 'pending', 'pending']);
      await expectCached(device, end - 1, fillOf(end - 1));
      const { heldBytes, waitingRequests } = device.snapshot();
      expect(heldBytes).toBeLessThanOrEqual(2 ** 20);
      expect(waitingRequests).toBeGreaterThanOrEqual(1);
    }
    expect(link.refused).toBeGreaterThan(100);

    link.isAway = false;
    await pass(MINUTE_MS);
    expect([early.outcome, last.outcome, late.outcome]).toEqual(['resolved', 'resolved', 'resolved']);
    expect(device.snapshot()).toMatchObject({ baseErrors: 0, waitingRequests: 0 });
    await within(MINUTE_MS, device.flush());
    await expectStored([
      [0, 200],
      [1, 201],
      ...numbers(2, end).map((number): [number, number] => [number, fillOf(number)]),
    ]);
    await within(MINUTE_MS, device.disconnect());
  });

  test('a flush resolves only once all that was written before it is stored', async () => {
    const device = await openCached(60 * MINUTE_MS);
    await device.write(...line(5, 7));
    link.isAway = true;
    const flush = device.flush();
    const watched = watch(flush);
    await pass(5 * MINUTE_MS);
    expect(watched.outcome).toBe('pending');
    link.isAway = false;
    await within(MINUTE_MS, flush);
    await expectStored([[5, 7]]);
    await within(MINUTE_MS, device.disconnect());
  });

  test('for longer than is waited a flush fails, nothing is lost, and all is written back unasked once the store is there', async () => {
    const device = await openCached(MINUTE_MS);
    await device.write(...line(5, 7));
    link.isAway = true;
    const failed = await within(
      2 * MINUTE_MS,
      device.flush().catch((error: unknown) => error),
    );
    expect(failed).toMatchObject({ name: 'BlockError', code: 'UNAVAILABLE', retryable: true });
    await expectCached(device, 5, 7);
    const next = watch(device.write(...line(6, 8)));
    await link.rest();
    expect(next.outcome).toBe('resolved');
    await pass(5 * MINUTE_MS);
    const { baseErrors, dirtyLines } = device.snapshot();
    expect([baseErrors > 1, dirtyLines]).toEqual([true, 2]);
    link.isAway = false;
    await pass(5 * MINUTE_MS);
    expect(device.snapshot()).toMatchObject({ dirtyLines: 0, linesWrittenBack: 2 });
    await within(5 * MINUTE_MS, device.flush());
    await expectStored([
      [5, 7],
      [6, 8],
    ]);
    await within(MINUTE_MS, device.disconnect());
  });

  test('a forced disconnect ends all that waits at once', async () => {
    const device = await openCached(60 * MINUTE_MS);
    await device.write(...line(896, 1));
    await within(MINUTE_MS, device.flush());
    link.isAway = true;
    const { last } = await writeUntilFull(device, 0);
    // Of an object that exists, and not in memory.
    const waiting = [watch(device.flush()), watch(readLine(device, 900)), watch(device.disconnect())];
    await pass(3 * MINUTE_MS);
    expect([last, ...waiting].map(({ outcome }) => outcome)).toEqual(Array(4).fill('pending'));

    const beforeMs = time.now();
    const [ended, refused] = [watch(device.disconnect({ force: true })), link.refused];
    await link.rest();
    expect(ended.outcome).toBe('resolved');
    const disconnected = expect.objectContaining({ code: 'DISCONNECTED' });
    expect([last, ...waiting.slice(0, 2)].map(({ outcome }) => outcome)).toEqual(Array(3).fill(disconnected));
    expect(waiting[2]?.outcome).toBe('resolved');
    expect(time.now()).toBe(beforeMs);
    await pass(10 * MINUTE_MS);
    expect(link.refused).toBe(refused);
  });
});

function numbers(start: number, end: number): number[] {
  return Array.from({ length: end - start + 1 }, (_, offset) => start + offset);
}
