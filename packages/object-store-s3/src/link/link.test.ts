import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { S3Client } from '@aws-sdk/client-s3';
import { settled } from '@blockyard/block/testing';
import { STORE_REQUESTS_CHANNEL, type StoreRequest } from '@blockyard/object-store';
import { afterEach, expect, test } from 'vitest';
import { STORE_EVENTS_CHANNEL, type StoreEvent } from '../events.js';
import { openS3Store } from '../open.js';
import type { S3StoreOptions } from '../options.js';
import type { S3ObjectStore } from '../store.js';
import { TestTime } from '../testing/test-time.js';
import { RequestTrace } from './traced.js';
import { Watch } from './watch.js';

/** Does what a request comes to; the number of the request, from 1 on. */
type Answer = (number: number, signal: AbortSignal) => Promise<object> | object;

const events: StoreEvent[] = [];
const note = (event: unknown) => {
  events.push(event as StoreEvent);
};
subscribe(STORE_EVENTS_CHANNEL, note);
afterEach(() => {
  events.length = 0;
});

function storeOf(time: TestTime, answer: Answer, options: Partial<S3StoreOptions> = {}) {
  const requests: { readonly atMs: number }[] = [];
  let key = { accessKeyId: 'old', secretAccessKey: 'secret' };
  const looks: number[] = [];
  const send = async (_: unknown, { abortSignal }: { abortSignal: AbortSignal }) => {
    requests.push({ atMs: time.now() });
    return answer(requests.length, abortSignal);
  };
  let known = key;
  const credentials = async ({ forceRefresh = false } = {}) => {
    if (forceRefresh) {
      looks.push(time.now());
      known = key;
    }
    return known;
  };
  const middlewareStack = { add: () => {}, remove: () => false };
  const client = { send, config: { credentials }, middlewareStack } as unknown as S3Client;
  const store: S3ObjectStore = openS3Store({
    bucket: 'bucket',
    name: 's3://bucket/volume',
    client,
    clock: time,
    random: () => 0.5,
    ...options,
  });
  const change = () => {
    key = { accessKeyId: 'new', secretAccessKey: 'secret' };
  };
  return { store, requests, looks, change, usesNewKey: () => known.accessKeyId === 'new' };
}

const FOUND = { ETag: '"e"', ContentLength: 3, Metadata: {} };
const refused = () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' });
const said = (status: number, name: string, headers = {}) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status }, $response: { headers } });
const silence = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(Object.assign(new Error('aborted'), { name: 'AbortError' })));
  });
/** Throws `error` until the clock shows `untilMs`. */
const failingUntil = (time: TestTime, untilMs: number, error: () => Error) => () => {
  if (time.now() < untilMs) throw error();
  return FOUND;
};

test('a store that is away for a while is waited for, and the waiting is seen', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, failingUntil(time, 20_000, refused));
  await time.until(store.head('key'));
  expect(time.now()).toBeGreaterThanOrEqual(20_000);
  expect(time.now()).toBeLessThanOrEqual(25_000);
  expect(requests.length).toBeLessThan(20);
  expect(events).toMatchObject([
    { type: 'away', store: 's3://bucket/volume', error: { code: 'UNAVAILABLE' } },
    { type: 'back', store: 's3://bucket/volume', forMs: time.now() - (requests[0]?.atMs ?? 0) },
  ]);
});

test('there is no number of failures after which single ones are no longer waited out', async () => {
  const time = new TestTime();
  const { store } = storeOf(time, (number) => {
    if (number <= 200 || number % 2 === 1) throw said(500, 'InternalError');
    return FOUND;
  });
  await time.until(store.head('key').catch(() => {}));
  for (let round = 0; round < 200; round++) await time.until(store.head('key').catch(() => {}));
  const startMs = time.now();
  for (let round = 0; round < 50; round++) expect(await time.until(store.head('key'))).toBeDefined();
  expect(time.now() - startMs).toBeLessThan(50 * 100);
});

test('a store that stays away is UNAVAILABLE after the time that was given', async () => {
  const time = new TestTime();
  const { store } = storeOf(time, failingUntil(time, 1e9, refused), { maxOutageMs: 60_000 });
  const outcome = await time.until(store.head('key').catch((error: unknown) => error));
  expect(outcome).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(/ECONNREFUSED, \d+ attempts/) });
  expect(time.now()).toBeGreaterThanOrEqual(60_000);
  expect(time.now()).toBeLessThanOrEqual(61_000);
});

test('no waiting at all is one try', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, failingUntil(time, 1e9, refused), { maxOutageMs: 0 });
  for (let round = 1; round <= 10; round++) {
    await expect(time.until(store.head('key'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(requests).toHaveLength(round);
  }
  expect(time.now()).toBe(0);
});

test('a bound on the tries holds besides', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, failingUntil(time, 1e9, refused), { maxAttempts: 3 });
  await expect(time.until(store.head('key'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(requests).toHaveLength(3);
});

test.each([
  [403, 'AccessDenied', 'ACCESS_DENIED'],
  [404, 'NoSuchBucket', 'NOT_FOUND'],
  [301, 'PermanentRedirect', 'INVALID_ARGUMENT'],
  [501, 'NotImplemented', 'UNSUPPORTED'],
  [507, 'XMinioStorageFull', 'NO_SPACE'],
])('%i %s does not wait', async (status, name, code) => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, () => {
    throw said(status, name);
  });
  await expect(time.until(store.head('key'))).rejects.toMatchObject({ code });
  expect(requests).toHaveLength(1);
  expect(time.now()).toBe(0);
});

test('while the store is away few requests go out, and all that wait get their answer when it is back', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, failingUntil(time, 25_000, refused), { maxOutageMs: 600_000 });
  const all = Array.from({ length: 100 }, (_, number) => store.head(`key ${number}`));
  await settled();
  const before = requests.length;
  expect(await time.until(Promise.all(all))).toHaveLength(100);
  expect(requests.filter(({ atMs }) => atMs > 0 && atMs < 25_000).length).toBeLessThan(20);
  expect(before).toBe(100);
});

test('a request that the store always fails at does not hold up the others', async () => {
  const time = new TestTime();
  let fails = true;
  const { store } = storeOf(time, async () => {
    if (fails) throw said(500, 'InternalError');
    return FOUND;
  });
  const poisoned = store.head('poisoned').catch((error: unknown) => error);
  await time.pass(5000);
  const send = store.head('fine');
  fails = false;
  const startMs = time.now();
  await time.until(send);
  expect(time.now() - startMs).toBeLessThanOrEqual(5000);
  await time.until(poisoned);
});

test('the store is not asked before it wants to be', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, (number) => {
    if (number === 1) throw said(503, 'SlowDown', { 'retry-after': '7' });
    return FOUND;
  });
  await time.until(store.head('key'));
  expect(requests.map(({ atMs }) => atMs)).toEqual([0, 7000]);
});

test('closing ends all waiting at once', async () => {
  const time = new TestTime();
  const { store } = storeOf(time, failingUntil(time, 1e9, refused), { maxOutageMs: 600_000 });
  const waiting = Array.from({ length: 10 }, (_, number) => store.head(`key ${number}`).catch((error) => error.code));
  const backingOff = storeOf(time, failingUntil(time, 1e9, refused));
  const alone = backingOff.store.head('key').catch((error) => error.code);
  const silent = storeOf(time, (_, signal) => silence(signal));
  const unanswered = silent.store.head('key').catch((error) => error.code);
  await time.pass(3000);
  for (const each of [store, backingOff.store, silent.store]) each.close();
  expect(await Promise.all([...waiting, alone, unanswered])).toEqual(new Array(12).fill('DISCONNECTED'));
  await expect(store.head('key')).rejects.toMatchObject({ code: 'DISCONNECTED' });
});

test('a silent store is tried again, and is a TIMEOUT in the end', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, (_, signal) => silence(signal));
  const outcome = await time.until(store.head('key').catch((error: unknown) => error));
  expect(outcome).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('nothing has moved for 30000 ms'),
  });
  expect(requests.length).toBeGreaterThan(1);
  expect(time.now()).toBeLessThanOrEqual(100_000);
});

test('new credentials are looked for once, for all that the store refused, before anything fails', async () => {
  const time = new TestTime();
  const { store, looks, change, usesNewKey } = storeOf(time, async () => {
    const isNew = usesNewKey();
    await time.sleep(20);
    if (isNew) return FOUND;
    change();
    throw said(400, 'ExpiredToken');
  });
  const all = Array.from({ length: 50 }, (_, number) => store.head(`key ${number}`));
  expect(await time.until(Promise.all(all))).toHaveLength(50);
  expect(looks).toHaveLength(1);
  expect(events).toMatchObject([{ type: 'credentials', changed: true }]);
});

test.each([
  [400, 'ExpiredToken'],
  [400, 'InvalidToken'],
  [400, 'TokenRefreshRequired'],
  [403, 'InvalidAccessKeyId'],
  [401, 'InvalidAccessKeyId'],
  [403, 'SignatureDoesNotMatch'],
  [403, 'RequestExpired'],
  [403, 'AccessDenied'],
  [400, 'Unknown'],
  [403, 'Unknown'],
])('%i %s leads to a look at where the credentials come from', async (status, name) => {
  const time = new TestTime();
  const { store, looks, change, usesNewKey } = storeOf(time, () => {
    if (usesNewKey()) return FOUND;
    change();
    throw said(status, name);
  });
  await time.until(store.head('key'));
  expect(looks).toHaveLength(1);
});

test('a key that is wrong for good fails, and is not looked for more than once a second', async () => {
  const time = new TestTime();
  const { store, looks } = storeOf(time, () => {
    throw said(403, 'InvalidAccessKeyId');
  });
  for (let round = 0; round < 10; round++) {
    const all = Array.from({ length: 20 }, () => store.head('key').catch((error) => error.code));
    expect(await time.until(Promise.all(all))).toEqual(new Array(20).fill('ACCESS_DENIED'));
  }
  expect(looks).toEqual(Array.from({ length: 10 }, (_, round) => round * 1000));
});

test('a clock that the answer has set right needs no waiting', async () => {
  const time = new TestTime();
  const { store, requests } = storeOf(time, (number) => {
    if (number === 1) throw said(403, 'RequestTimeTooSkewed');
    return FOUND;
  });
  await time.until(store.head('key'));
  expect(requests.map(({ atMs }) => atMs)).toEqual([0, 0]);
});

test('without subscribers nothing is lost', async () => {
  unsubscribe(STORE_EVENTS_CHANNEL, note);
  const time = new TestTime();
  const { store } = storeOf(time, failingUntil(time, 20_000, refused));
  await time.until(store.head('key'));
  subscribe(STORE_EVENTS_CHANNEL, note);
  expect(events).toEqual([]);
});

test('attempts are timed and counted, failures and retries apart, and what is an answer is no failure', async () => {
  const time = new TestTime();
  const { store } = storeOf(
    time,
    async (number) => {
      await time.sleep(10 * number);
      if (number === 1) throw said(500, 'InternalError');
      if (number === 3) throw said(404, 'NotFound');
      if (number === 4) throw said(403, 'AccessDenied');
      return FOUND;
    },
    { classOf: (key) => (key === 'root' ? 'root' : 'data') },
  );
  expect(store.snapshot()).toMatchObject({ attempts: [], requestsInFlight: 0, availability: { isAway: false } });
  const head = time.until(store.head('root'));
  await time.pass(5);
  expect(store.snapshot()).toMatchObject({ attempts: [], requestsInFlight: 1 });
  await head;
  expect(await time.until(store.head('absent'))).toBeUndefined();
  await expect(time.until(store.head('key'))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(store.snapshot()).toMatchObject({
    attempts: [
      { class: 'root', kind: 'head', failed: 1, retries: 1, durations: { count: 2, sumUs: 30_000 } },
      { class: 'data', kind: 'head', failed: 1, durations: { count: 2, sumUs: 70_000 } },
    ],
    requestsInFlight: 0,
    traffic: { classes: { root: { requests: { head: 2 } } } },
  });
  expect(store.snapshot().attempts).toHaveLength(2);
});

test('a store that is away is told as such, with what waits for it, until it answers', async () => {
  const time = new TestTime();
  const { store } = storeOf(time, failingUntil(time, 20_000, refused));
  const heads = ['a', 'b', 'c', 'd'].map((key) => store.head(key));
  const all = time.until(Promise.all(heads));
  while (time.now() < 10_000) await settled();
  const { availability, requestsHeldBack, requestsInFlight } = store.snapshot();
  expect(availability).toMatchObject({ isAway: true, error: { code: 'UNAVAILABLE' } });
  expect(availability.error?.message).toContain('s3://bucket/volume');
  expect(availability.awayMs).toBe(time.now());
  expect(availability.nextTryMs).toBeGreaterThanOrEqual(0);
  expect(requestsHeldBack + requestsInFlight).toBeGreaterThan(0);
  await all;
  expect(store.snapshot()).toMatchObject({
    availability: { isAway: false, awayMs: undefined, nextTryMs: undefined, error: undefined },
    requestsHeldBack: 0,
    requestsInFlight: 0,
  });
});

test('a request is told on its channel, with what of it took how long, and an answer is no failure', async () => {
  const time = new TestTime();
  const told: StoreRequest[] = [];
  const note = (message: unknown) => void told.push(message as StoreRequest);
  const { store } = storeOf(time, async (number) => {
    await time.sleep(10);
    if (number === 1) throw said(500, 'InternalError');
    if (number === 3) throw said(404, 'NotFound');
    if (number === 4) throw said(403, 'AccessDenied');
    return FOUND;
  });
  const name = `tracing:${STORE_REQUESTS_CHANNEL}:asyncEnd`;
  subscribe(name, note);
  try {
    await time.until(store.head('key'));
    const waitedMs = time.now() - 20;
    expect(waitedMs).toBeGreaterThan(0);
    const facts = { store: 's3://bucket/volume', kind: 'head', key: 'key', uploadBytes: 0, downloadBytes: 0 };
    expect(told).toEqual([
      { ...facts, attempts: 2, waitedMs, firstByteMs: undefined, transferMs: undefined, result: FOUND },
    ]);
    expect(await time.until(store.head('absent'))).toBeUndefined();
    expect(told[1]).toMatchObject({ key: 'absent', attempts: 1, waitedMs: 0 });
    expect(told[1]).not.toHaveProperty('error');
    await expect(time.until(store.head('closed'))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(told[2]).toMatchObject({ key: 'closed', error: { code: 'ACCESS_DENIED' } });
  } finally {
    unsubscribe(name, note);
  }
  await time.until(store.head('key'));
  expect(told).toHaveLength(3);
});

test('the beginning of an answer is told apart from the rest of it', () => {
  const time = new TestTime();
  const facts = { store: 's3://bucket', kind: 'get', key: 'key', uploadBytes: 0, downloadBytes: 8192 } as const;
  const trace = new RequestTrace(time, facts);
  time.advance(7);
  const startMs = time.now();
  const watch = new Watch({ clock: time, silenceMs: 1000, uploadBytes: 0, downloadBytes: 8192, onTimeout: () => {} });
  time.advance(40);
  watch.received();
  time.advance(3);
  watch.received();
  time.advance(2);
  trace.attempted(startMs, watch);
  watch.end();
  trace.ended();
  expect(trace.message).toEqual({ ...facts, attempts: 1, waitedMs: 7, firstByteMs: 40, transferMs: 5 });
});
