import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { type BlockDevice, BlockError } from '@blockyard/block';
import {
  CONDITIONAL_DELETES,
  type Fault,
  type FaultProxy,
  type ProxiedRequest,
  startFaults,
  startTestStore,
  type TestStore,
} from '@blockyard/local-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ConnectS3Options, connectS3, createVolume, type StoreOptions } from './index.js';
import { brief } from './testing/brief.js';
import { TestClock } from './testing/clock.js';
import { gate } from './testing/gate.js';
import { TIMEOUT_MS, timingOut } from './testing/timing-out.js';

const SECTOR = 512;
const OBJECT_SECTORS = 8;
const SECTORS = 64;

let store: TestStore;
let proxy: FaultProxy & { volume: TestStore['volume'] };
let at: StoreOptions;
const opened: BlockDevice[] = [];

beforeAll(async () => {
  store = await startTestStore();
  proxy = await startFaults(store);
});
beforeEach(async () => {
  proxy.onRequest = () => undefined;
  at = { ...proxy.volume(), requestTimeoutMs: TIMEOUT_MS };
  await createVolume({ ...at, sectorSize: SECTOR, sizeSectors: SECTORS, objectSizeBytes: OBJECT_SECTORS * SECTOR });
});
afterEach(async () => {
  proxy.onRequest = () => undefined;
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});
afterAll(async () => {
  await proxy.stop();
  await store.stop();
});

let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
});

async function connect(options: Partial<ConnectS3Options> = {}): Promise<BlockDevice> {
  const device = await connectS3({ ...at, clock, ...options });
  opened.push(device);
  proxy.requests.length = 0;
  return device;
}

/** Without memory of the objects written last, so that each write of a part of an object reads it first. */
const connectForgetful = (options: Partial<StoreOptions> = {}) => connect({ ...options, maxRecentBytes: 0 });

/** As seen by one who opens the volume afresh. */
async function stored(start: number, count = 1): Promise<number[]> {
  const device = await connectS3({ ...at, readOnly: true });
  const values = await read(device, start, count);
  await device.disconnect();
  return values;
}

const fill = (value: number, count = 1) => [new Uint8Array(count * SECTOR).fill(value)];

/** The value that each sector is filled with. */
async function read(device: BlockDevice, start: number, count = 1): Promise<number[]> {
  const buffer = new Uint8Array(count * SECTOR).fill(0xee);
  await device.read(start, [buffer]);
  return Array.from({ length: count }, (_, sector) => {
    const bytes = buffer.subarray(sector * SECTOR, (sector + 1) * SECTOR);
    expect(new Set(bytes).size, 'a sector has one value').toBe(1);
    return bytes[0] ?? -1;
  });
}

const isDataPut = ({ method, path }: ProxiedRequest) => method === 'PUT' && path.includes('/data/');
const isDelete = ({ query }: ProxiedRequest) => query.has('delete');
const isRootPut = ({ method, path }: ProxiedRequest) => method === 'PUT' && path.endsWith('/volume.json');

/** Does `fault` to the first `times` requests that `which` picks, and lets all others through. */
function failing(which: (request: ProxiedRequest) => boolean, fault: Fault, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  proxy.onRequest = (request) => (which(request) && left-- > 0 ? fault : undefined);
}

const dead = () => failing(() => true, { kind: 'reset-before' });

const timedOut = <T>(task: Promise<T>) => timingOut(task, proxy, clock);

const codeOf = (code: string) => expect.objectContaining({ name: 'BlockError', code });

test('a burst of 503 is waited out', async () => {
  const device = await connect();
  for (const { name, run } of [
    { name: 'write', run: () => device.write(3, fill(1)) },
    { name: 'read', run: () => read(device, 3) },
    { name: 'flush', run: () => device.flush() },
    { name: 'discard', run: () => device.discard(0, SECTORS) },
    { name: 'resize', run: () => device.resize(SECTORS * 2) },
  ]) {
    failing(() => true, { kind: 'reply', status: 503, code: 'ServiceUnavailable' }, 2);
    await expect(run(), name).resolves.not.toThrow();
  }
});

test('a PUT whose answer was lost is recognized as its own when the second try finds it done', async () => {
  const device = await connect();
  failing(isDataPut, { kind: 'reset-after' }, 1);
  await device.write(3, fill(1));
  expect(proxy.requests.map(brief)).toEqual([
    'PUT data/000000000000',
    'PUT data/000000000000',
    'HEAD data/000000000000',
  ]);
  failing(isDataPut, { kind: 'reset-after' }, 1);
  await device.write(4, fill(2));
  await device.write(0, fill(3, OBJECT_SECTORS));
  expect(await read(device, 3, 2)).toEqual([3, 3]);
  await device.disconnect();
  expect(await stored(3, 2)).toEqual([3, 3]);
});

test('a PUT that no one answered is looked for, and found', async () => {
  const device = await connect({ maxAttempts: 1 });
  failing(isDataPut, { kind: 'swallow-after' });
  await timedOut(device.write(3, fill(1)));
  const ofData = proxy.requests.map(brief).filter((request) => request.includes('data/'));
  expect(ofData).toEqual(['PUT data/000000000000', 'HEAD data/000000000000']);
  proxy.onRequest = () => undefined;
  await device.write(4, fill(2));
  expect(await read(device, 3, 2)).toEqual([1, 2]);
});

test('a PUT that never reached the store fails, changes nothing, and can be tried again', async () => {
  const device = await connect({ maxAttempts: 2 });
  await device.write(3, fill(1));
  failing(isDataPut, { kind: 'reset-before' });
  await expect(device.write(3, fill(2))).rejects.toEqual(codeOf('UNAVAILABLE'));
  expect(await read(device, 3)).toEqual([1]);
  proxy.onRequest = () => undefined;
  await device.write(3, fill(2));
  expect(await read(device, 3)).toEqual([2]);
});

test('a failed write says what was to be written, where it went wrong and why', async () => {
  const device = await connect({ maxAttempts: 2 });
  failing(isDataPut, { kind: 'reply', status: 503, code: 'SlowDown' });
  const error = await device.write(11, fill(1)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BlockError);
  expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, operation: 'write', start: 11, count: 1 });
  expect((error as BlockError).message).toContain(`s3://${at.bucket}/${at.prefix}/data/000000000001`);
  expect((error as BlockError).message).toContain('SlowDown (503), 2 attempts');
});

test('after a write whose fate no one knows, reads ask the store', async () => {
  const device = await connect({ maxAttempts: 1 });
  // Carried out, but neither the answer nor the look afterwards comes through.
  failing((request) => request.path.includes('/data/'), { kind: 'swallow-after' });
  await expect(timedOut(device.write(3, fill(1)))).rejects.toEqual(codeOf('TIMEOUT'));
  proxy.onRequest = () => undefined;
  expect(await read(device, 3)).toEqual([1]);
  // Never carried out: the object is not there, which is no damage.
  failing((request) => request.path.includes('/data/'), { kind: 'swallow' });
  await expect(timedOut(device.write(11, fill(1)))).rejects.toEqual(codeOf('TIMEOUT'));
  proxy.onRequest = () => undefined;
  expect(await read(device, 11)).toEqual([0]);
  await device.write(12, fill(2));
  expect(await read(device, 11, 2)).toEqual([0, 2]);
  await device.write(11, fill(3));
  expect(await read(device, 11, 2)).toEqual([3, 2]);
});

/** A write that its writer has given up, and that reaches the store when the gate opens. */
async function giveUp(device: BlockDevice, start: number, buffers: Uint8Array[]): Promise<() => Promise<void>> {
  const { passed, open } = gate();
  failing(isDataPut, { kind: 'hold', until: passed }, 1);
  await expect(timedOut(device.write(start, buffers))).rejects.toEqual(codeOf('TIMEOUT'));
  return async () => {
    open();
    await passed;
    await proxy.idle();
  };
}

test('a write that was given up and arrives after its successor is kept out', async () => {
  const device = await connect({ maxAttempts: 1 });
  const arrive = await giveUp(device, 3, fill(1));
  await device.write(3, fill(2));
  await arrive();
  expect(await read(device, 3)).toEqual([2]);
});

test('a write that was given up and arrives before its successor is built upon', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, OBJECT_SECTORS));
  const arrive = await giveUp(device, 0, fill(2, OBJECT_SECTORS));
  await arrive();
  await device.write(3, fill(3));
  expect(await read(device, 2, 3)).toEqual([2, 3, 2]);
});

test('a write that was given up is kept out also when the contents it was made for are back', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, OBJECT_SECTORS));
  const arrive = await giveUp(device, 0, fill(2, OBJECT_SECTORS));
  await device.write(0, fill(3, OBJECT_SECTORS));
  await device.write(0, fill(1, OBJECT_SECTORS));
  await arrive();
  expect(await read(device, 0)).toEqual([1]);
});

test('a write that was given up does not come back after a discard', async () => {
  const device = await connect({ maxAttempts: 1 });
  const arrive = await giveUp(device, 3, fill(1));
  await device.discard(0, SECTORS);
  await device.flush();
  await arrive();
  expect(await read(device, 3)).toEqual([0]);
  expect(await stored(3)).toEqual([0]);
});

test('a write that was given up does not come back after it was made again, and discarded twice', async () => {
  const device = await connect({ maxAttempts: 1 });
  const arrive = await giveUp(device, 3, fill(1));
  await device.write(3, fill(2));
  await device.discard(0, SECTORS);
  await device.discard(0, SECTORS);
  await device.flush();
  await arrive();
  expect(await stored(3)).toEqual([0]);
});

test('an attempt that got no answer does not come back after the next one was stored, and discarded', async () => {
  const device = await connect({ maxAttempts: 2 });
  const { passed, open } = gate();
  failing(isDataPut, { kind: 'hold', until: passed }, 1);
  await timedOut(device.write(3, fill(1)));
  await device.discard(0, SECTORS);
  await device.flush();
  open();
  await passed;
  await proxy.idle();
  expect(await stored(3)).toEqual([0]);
});

test('a write that was given up over an object does not come back after a discard, which deletes the object', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, OBJECT_SECTORS));
  const arrive = await giveUp(device, 3, fill(2));
  await device.discard(0, SECTORS);
  expect(await device.extents(0, SECTORS)).toEqual([{ start: 0, count: SECTORS, type: 'zero' }]);
  await arrive();
  expect(await stored(3)).toEqual([0]);
});

test.skipIf(!CONDITIONAL_DELETES)(
  'a delete that was given up does not take away what was written after it',
  async () => {
    const device = await connect({ maxAttempts: 1 });
    await device.write(0, fill(1, OBJECT_SECTORS));
    const { passed, open } = gate();
    failing(isDelete, { kind: 'hold', until: passed }, 1);
    await expect(timedOut(device.discard(0, SECTORS))).rejects.toEqual(codeOf('TIMEOUT'));
    await device.write(0, fill(2, OBJECT_SECTORS));
    await device.flush();
    open();
    await passed;
    await proxy.idle();
    expect(await read(device, 3)).toEqual([2]);
  },
);

test('a read that finds its object deleted meanwhile reads zeroes, or what was written since', async () => {
  const device = await connect();
  await device.write(0, fill(1, 2 * OBJECT_SECTORS));
  const { passed, open } = gate();
  const asked = gate();
  let left = 2;
  proxy.onRequest = ({ method, path }) => {
    if (method !== 'GET' || !path.includes('/data/') || left-- <= 0) return undefined;
    if (left === 0) asked.open();
    return { kind: 'hold', until: passed };
  };
  const reads = Promise.all([read(device, 3), read(device, 11)]);
  await asked.passed;
  await device.discard(0, 2 * OBJECT_SECTORS);
  open();
  expect(await reads).toEqual([[0], [0]]);
});

test('a read that meets one replacement of its object after the other gets its answer', async () => {
  const device = await connectForgetful();
  await device.write(0, fill(1, OBJECT_SECTORS));
  const isDataGet = ({ method, path }: ProxiedRequest) => method === 'GET' && path.includes('/data/');
  failing(isDataGet, { kind: 'reply', status: 409, code: 'ConcurrentModification' }, 6);
  expect(await read(device, 3)).toEqual([1]);
  failing(isDataGet, { kind: 'reply', status: 409, code: 'ConcurrentModification' });
  await expect(read(device, 3)).rejects.toEqual(codeOf('UNAVAILABLE'));
  await expect(device.write(3, fill(2))).rejects.toEqual(codeOf('UNAVAILABLE'));
});

test('an answer that breaks off is asked for again', async () => {
  const device = await connectForgetful();
  await device.write(0, fill(1, OBJECT_SECTORS));
  failing(({ method }) => method === 'GET', { kind: 'truncate', bytes: 700 }, 2);
  expect(await read(device, 0, OBJECT_SECTORS)).toEqual(new Array(OBJECT_SECTORS).fill(1));
  failing(({ method }) => method === 'GET', { kind: 'truncate', bytes: 700 }, 2);
  await device.write(3, fill(2));
  expect(await read(device, 2, 3)).toEqual([1, 2, 1]);
});

test('answers that all break off are an error, not zeroes', async () => {
  const device = await connectForgetful({ maxAttempts: 4 });
  await device.write(0, fill(1, OBJECT_SECTORS));
  failing(({ method }) => method === 'GET', { kind: 'truncate', bytes: 700 });
  await expect(read(device, 0, OBJECT_SECTORS)).rejects.toEqual(codeOf('UNAVAILABLE'));
  await expect(device.write(3, fill(2))).rejects.toEqual(codeOf('UNAVAILABLE'));
  proxy.onRequest = () => undefined;
  expect(await read(device, 2, 3)).toEqual([1, 1, 1]);
});

test('a silent store is a time-out', async () => {
  const device = await connect({ maxAttempts: 2 });
  await device.write(3, fill(1));
  failing(() => true, { kind: 'swallow' });
  await expect(timedOut(read(device, 3))).rejects.toEqual(codeOf('TIMEOUT'));
  await expect(timedOut(device.flush())).rejects.toEqual(codeOf('TIMEOUT'));
  proxy.onRequest = () => undefined;
  await device.flush();
  expect(await read(device, 3)).toEqual([1]);
});

test.each([
  ['503 of a gateway that lost the answer', { status: 503, code: 'ServiceUnavailable' }],
  ['503 SlowDown', { status: 503, code: 'SlowDown' }],
  ['429', { status: 429, code: 'TooManyRequests' }],
  ['500', { status: 500, code: 'InternalError' }],
  ['error within a 200', { status: 200, code: 'InternalError' }],
  ['200 of a proxy', { status: 200, body: '<html><body>Log in<br></body></html>' }],
  ['200 of nothing', { status: 200 }],
  ['302 to a page to log in at', { status: 302 }],
  ['403 of a gateway', { status: 403, body: 'Forbidden' }],
])('a PUT that was carried out and answered with a %s is looked for, and found', async (_, answer) => {
  const device = await connect({ maxAttempts: 1 });
  failing(isDataPut, { kind: 'reply-after', ...answer }, 1);
  await device.write(3, fill(1));
  expect(await read(device, 3)).toEqual([1]);
  await device.discard(0, SECTORS);
  await device.flush();
  await device.disconnect();
  expect(await stored(3)).toEqual([0]);
});

test('a PUT that a 503 said no to, and that was carried out all the same, does not come back after a discard', async () => {
  const device = await connect({ maxAttempts: 1 });
  const { passed, open } = gate();
  let asked = 0;
  proxy.onRequest = (request) => {
    if (!request.path.includes('/data/')) return undefined;
    // The first one is on its way still when its answer comes; and nothing can be found out.
    return asked++ === 0
      ? { kind: 'reply-late', until: passed, status: 503, code: 'SlowDown' }
      : { kind: 'reset-before' };
  };
  await expect(device.write(3, fill(1))).rejects.toEqual(codeOf('UNAVAILABLE'));
  proxy.onRequest = () => undefined;
  await device.discard(0, SECTORS);
  await device.flush();
  open();
  await proxy.idle();
  expect(await read(device, 3)).toEqual([0]);
  expect(await stored(3)).toEqual([0]);
});

test('a denied PUT is ACCESS_DENIED, is not tried again, and changes nothing', async () => {
  const device = await connect();
  await device.write(3, fill(1));
  proxy.requests.length = 0;
  failing(isDataPut, { kind: 'reply', status: 403, code: 'AccessDenied' });
  await expect(device.write(11, fill(2))).rejects.toEqual(codeOf('ACCESS_DENIED'));
  expect(proxy.requests.map(brief)).toEqual(['PUT data/000000000001']);
  expect(await read(device, 11)).toEqual([0]);
});

test('a store that dies within a large write and a flush loses nothing that was flushed', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, SECTORS));
  await device.flush();
  let left = 3;
  proxy.onRequest = () => (left-- > 0 ? undefined : { kind: 'reset-before' });
  await expect(device.write(0, fill(2, SECTORS))).rejects.toEqual(codeOf('UNAVAILABLE'));
  await expect(device.flush()).rejects.toEqual(codeOf('UNAVAILABLE'));
  await expect(device.disconnect()).rejects.toEqual(codeOf('UNAVAILABLE'));
  proxy.onRequest = () => undefined;
  const between = await read(device, 0, SECTORS);
  expect(between.filter((value) => value === 1 || value === 2)).toHaveLength(SECTORS);
  expect(between).toContain(1);
  expect(between).toContain(2);
  await device.write(0, fill(2, SECTORS));
  await device.disconnect();
  expect(await stored(0, SECTORS)).toEqual(new Array(SECTORS).fill(2));
});

test('a store that dies for good gives back what was flushed to the one who opens the volume later', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, SECTORS));
  await device.flush();
  dead();
  await expect(device.write(0, fill(2, SECTORS))).rejects.toEqual(codeOf('UNAVAILABLE'));
  await device.disconnect({ force: true });
  proxy.onRequest = () => undefined;
  expect(await stored(0, SECTORS)).toEqual(new Array(SECTORS).fill(1));
});

test('a discard that fails can be made again', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, SECTORS));
  failing(isDelete, { kind: 'reset-before' });
  await expect(device.discard(0, SECTORS)).rejects.toEqual(codeOf('UNAVAILABLE'));
  proxy.onRequest = () => undefined;
  expect(await read(device, 3)).toEqual([1]);
  await device.discard(0, SECTORS);
  expect(await read(device, 3)).toEqual([0]);
  expect(await stored(0, SECTORS)).toEqual(new Array(SECTORS).fill(0));
});

test('a discard whose answer was lost leaves a volume that can be used', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, SECTORS));
  failing(isDelete, { kind: 'reset-after' });
  await expect(device.discard(0, SECTORS)).rejects.toEqual(codeOf('UNAVAILABLE'));
  proxy.onRequest = () => undefined;
  expect(await read(device, 0, SECTORS)).toEqual(new Array(SECTORS).fill(0));
  await device.write(3, fill(2));
  await device.write(8, fill(3, OBJECT_SECTORS));
  await device.discard(0, 4);
  expect(await read(device, 2, 7)).toEqual([0, 0, 0, 0, 0, 0, 3]);
});

test('an opening whose answer was lost is an opening', async () => {
  failing(isRootPut, { kind: 'reset-after' }, 1);
  const device = await connect();
  await device.write(3, fill(1));
  await device.disconnect();
});

test('an opening that loses an answer and cannot look why is told of the network, not that the store is unsafe', async () => {
  let puts = 0;
  proxy.onRequest = ({ method, path }) => {
    if (!path.includes('/probe-')) return undefined;
    if (method === 'HEAD') return { kind: 'reset-before' };
    return method === 'PUT' && puts++ === 0 ? { kind: 'reset-after' } : undefined;
  };
  await expect(connect({ maxAttempts: 2 })).rejects.toEqual(codeOf('UNAVAILABLE'));
  proxy.onRequest = () => undefined;
  const device = await connect();
  await device.write(3, fill(1));
  await device.disconnect();
});

test('a creation whose answer was lost is a creation', async () => {
  failing(isRootPut, { kind: 'reset-after' }, 1);
  at = proxy.volume();
  await createVolume({ ...at, sizeBytes: 1 << 20 });
  await (await connect()).disconnect();
});

test('a resize whose answer was lost is a resize', async () => {
  const device = await connect();
  failing(isRootPut, { kind: 'reset-after' }, 1);
  await device.resize(10);
  expect(device.info.sizeSectors).toBe(10);
  await device.disconnect();
  expect((await connect()).info.sizeSectors).toBe(10);
});

test('a resize that failed leaves the old size, also when it reaches the store after all', async () => {
  const device = await connect({ maxAttempts: 1 });
  await device.write(0, fill(1, SECTORS));
  const { passed, open } = gate();
  failing(isRootPut, { kind: 'hold', until: passed }, 1);
  await expect(timedOut(device.resize(10))).rejects.toEqual(codeOf('TIMEOUT'));
  expect(device.info.sizeSectors).toBe(SECTORS);
  expect(await read(device, SECTORS - 1)).toEqual([1]);
  await device.flush();
  open();
  await passed;
  await proxy.idle();
  await device.disconnect();
  const again = await connect();
  expect(again.info.sizeSectors).toBe(SECTORS);
  expect(await read(again, SECTORS - 1)).toEqual([1]);
});

test('a resize that failed and reached the store before the next flush is taken back by it', async () => {
  const device = await connect({ maxAttempts: 1 });
  const { passed, open } = gate();
  failing(isRootPut, { kind: 'hold', until: passed }, 1);
  await expect(timedOut(device.resize(10))).rejects.toEqual(codeOf('TIMEOUT'));
  open();
  await passed;
  await proxy.idle();
  await device.flush();
  await device.disconnect({ force: true });
  expect((await connect()).info.sizeSectors).toBe(SECTORS);
});

test('a forced disconnect does not wait for a store that says nothing, and settles what waits for it', async () => {
  const device = await connect();
  await device.write(0, fill(1, SECTORS));
  const seen = gate();
  proxy.onRequest = () => {
    seen.open();
    return { kind: 'swallow' };
  };
  const waiting = [read(device, 0, SECTORS), device.write(0, fill(2, SECTORS)), device.discard(0, 9), device.flush()];
  const outcomes = Promise.allSettled(waiting);
  await seen.passed;
  await device.disconnect({ force: true });
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: codeOf('DISCONNECTED') });
  }
});

test('an object that was lost is CORRUPT, for a writer and for a reader', async () => {
  const writer = await connect();
  await writer.write(0, fill(1, SECTORS));
  const reader = await connect();
  const Key = `${at.prefix}/data/000000000002`;
  await store.client.send(new DeleteObjectCommand({ Bucket: at.bucket, Key }));
  await expect(read(reader, 16)).rejects.toEqual(codeOf('CORRUPT'));
  await expect(reader.write(16, fill(2))).rejects.toEqual(codeOf('CORRUPT'));
  await expect(reader.write(16, fill(2, OBJECT_SECTORS))).rejects.toEqual(codeOf('CORRUPT'));
  await expect(store.client.send(new GetObjectCommand({ Bucket: at.bucket, Key }))).rejects.toThrow();
  const readOnly = await connectS3({ ...at, readOnly: true });
  opened.push(readOnly);
  await store.client.send(new DeleteObjectCommand({ Bucket: at.bucket, Key: `${at.prefix}/data/000000000003` }));
  await expect(read(readOnly, 24)).rejects.toEqual(codeOf('CORRUPT'));
});
