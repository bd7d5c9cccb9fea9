import { describe, expect, test } from 'vitest';
import type { EvictionPolicy, PolicyFactory, PolicyOptions } from '../policies.js';
import { FifoPolicy, fifo } from '../testing/fifo-policy.js';
import { bytesAt, filled, openCache } from '../testing/fixture.js';
import { LruPolicy } from './policy-lru.js';

const LINE_SECTORS = 8;
const LINES = { lineSize: 4096, maxSizeBytes: 300_000 };
const line = (number: number) => number * LINE_SECTORS;

describe("a policy of a caller's own", () => {
  test('decides which line leaves', async () => {
    for (const [policy, expected] of [
      ['lru', 1],
      [fifo, 2],
    ] as const) {
      const { cache, base } = await openCache(line(1000), { ...LINES, policy });
      const { linesMax } = cache.snapshot();
      for (let i = 0; i < linesMax * 0.9; i++) await bytesAt(cache, line(i), 1);
      await bytesAt(cache, 0, 1);
      for (let i = 500; i < 500 + linesMax * 0.3; i++) await bytesAt(cache, line(i), 1);
      const calls = base.calls('read');
      await bytesAt(cache, 0, 1);
      // Least recently used has kept what was used again; first in, first out has not.
      expect(base.calls('read') - calls).toBe(expected - 1);
      await cache.disconnect();
    }
  });

  test('is told the capacity, the room for parked lines and the seed, and its memory counts in the budget', async () => {
    const asked: PolicyOptions[] = [];
    const policy: PolicyFactory = (options) => {
      asked.push(options);
      return new FifoPolicy(options);
    };
    const { cache } = await openCache(line(1000), { ...LINES, policy, seed: 7 });
    const { linesMax, heldBytes } = cache.snapshot();
    const used = asked.at(-1);
    expect(used?.seed).toBe(7);
    expect((used?.capacity ?? 0) + (used?.maxParked ?? 0)).toBe(linesMax);
    expect(heldBytes).toBeGreaterThan(linesMax * 100);
    await cache.setMaxSizeBytes(2 * LINES.maxSizeBytes);
    for (let i = 0; i < 500; i++) await cache.write(line(i), [filled(LINE_SECTORS, 1 + (i % 200))]);
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(2 * LINES.maxSizeBytes);
    for (let i = 0; i < 500; i++) expect(await bytesAt(cache, line(i), 1)).toEqual([1 + (i % 200)]);
    await cache.disconnect();
  });
});

/** A small policy with something else in place of a part of it. */
function with_(other: object): PolicyFactory {
  return (options) => Object.defineProperties(new FifoPolicy(options), Object.getOwnPropertyDescriptors(other));
}

test.each<[string, unknown]>([
  ['eviction policy and return it, not undefined', () => undefined],
  ['eviction policy and return it, not 5', () => 5],
  [
    'eviction policy and not throw',
    () => {
      throw new Error('no');
    },
  ],
  ['eviction policy with the method victim', with_({ victim: undefined })],
  ['eviction policy with the method entries', with_({ entries: 5 })],
  ['eviction policy of capacity', with_({ capacity: 1 })],
  ['eviction policy that is empty', with_({ resident: 1 })],
  ['eviction policy that is empty', with_({ parked: 1 })],
  ['eviction policy that is empty', with_({ find: () => 0 })],
  ['entries, not 3', with_({ entriesMax: 3 })],
  ['entries, not 1000000.5', with_({ entriesMax: 1_000_000.5 })],
  ['eviction policy whose byteLength is a number of bytes, not -1', with_({ byteLength: -1 })],
  ['eviction policy whose byteLength is a number of bytes, not NaN', with_({ byteLength: Number.NaN })],
  ["policy must be 'wtinylfu', 'clock2qplus' or 'lru', not", {}],
])('what makes no %s is refused, and the base is left alone', async (message, policy) => {
  await expect(openCache(64, { ...LINES, policy: policy as PolicyFactory })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    operation: 'connect',
    message: expect.stringContaining(message),
  });
});

test('one that lacks a method is told which, and how it is called', async () => {
  const methods = Object.getOwnPropertyNames(FifoPolicy.prototype).filter(
    (name) => typeof Object.getOwnPropertyDescriptor(FifoPolicy.prototype, name)?.value === 'function',
  );
  const messages: string[] = [];
  for (const name of methods.filter((name) => name !== 'constructor')) {
    const error = await openCache(64, { ...LINES, policy: with_({ [name]: undefined }) }).catch(String);
    const [, call = ''] = /with the method (.*)/.exec(String(error)) ?? [];
    expect(call).toMatch(new RegExp(`^${name}\\(.*\\)$`));
    messages.push(call);
  }
  expect(new Set(messages).size).toBe(13);
});

/** Least recently used, until it begins to lie. */
class LyingPolicy extends LruPolicy {
  lie: Partial<EvictionPolicy> = {};

  override insert(key: number): number {
    return this.lie.insert?.(key) ?? super.insert(key);
  }

  override victim(): number {
    return this.lie.victim?.() ?? super.victim();
  }

  override keyOf(entry: number): number {
    return this.lie.keyOf?.(entry) ?? super.keyOf(entry);
  }
}

test.each<[string, (policy: LyingPolicy) => Partial<EvictionPolicy>]>([
  ['names a new line by the entry of another', (policy) => ({ insert: () => policy.find(0) })],
  ['names a new line by no entry', () => ({ insert: () => -1 })],
  ['names a new line by an entry past the last', () => ({ insert: () => 1e6 })],
  ['takes one line for another', () => ({ keyOf: () => 3 })],
  ['chooses a line that there is not', (policy) => ({ victim: () => policy.entriesMax - 1 })],
])('a policy that %s loses no data: the request fails', async (_what, lie) => {
  let policy: LyingPolicy | undefined;
  const { cache, memory } = await openCache(line(1000), {
    ...LINES,
    policy: (options) => {
      policy = new LyingPolicy(options);
      return policy;
    },
  });
  if (policy === undefined) throw new Error('there is a policy');
  const { linesMax } = cache.snapshot();
  await cache.write(0, [filled(LINE_SECTORS, 9)]);
  for (let i = 1; i < linesMax; i++) await bytesAt(cache, line(i), 1);
  policy.lie = lie(policy);
  await expect(bytesAt(cache, line(900), 1)).rejects.toMatchObject({ code: 'IO' });
  policy.lie = {};
  expect(await bytesAt(cache, 0, 1)).toEqual([9]);
  await cache.flush();
  expect(memory.bytes[0]).toBe(9);
  await cache.disconnect({ force: true });
});
