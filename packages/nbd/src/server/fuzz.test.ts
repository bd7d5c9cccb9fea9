import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { Random } from '@blockyard/conformance/simulator';
import { afterEach, test } from 'vitest';
import { FuzzSession, play } from '../testing/fuzzer.js';
import { MIB, type Setup, setUp } from '../testing/serve.js';

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});

/** Requests that the server's parser takes apart, whatever else is sent; the README tells how to try a million. */
const MESSAGES = Number(process.env.BLOCKYARD_FUZZ_MESSAGES ?? 200_000);
const SEED = Number(process.env.BLOCKYARD_FUZZ_SEED ?? Date.now() % 2 ** 31);
/** Sessions at once, and requests in each at most. */
const PARALLEL = 8;
const REQUESTS_MAX = 4000;
/** A session that is not over by then hangs. */
const SESSION_MS_MAX = 30_000;

test(`${MESSAGES} messages of nonsense crash nothing, leak nothing, hang nothing, disturb no one (seed ${SEED})`, {
  timeout: 600_000,
}, async () => {
  const device = await connectMemory({ sizeSectors: MIB / 512 });
  const setup = await setUp({ device });
  setups.push(setup);
  const { address } = setup.server;
  assert.ok('path' in address);
  const honest = await setup.open();
  const random = new Random(SEED);
  const messages = () => Object.values(setup.server.stats().requests).reduce((sum, count) => sum + count, 0);
  const heapBytes: number[] = [];

  const session = async (path: string) => {
    const own = random.fork();
    const fuzz = new FuzzSession(own);
    const script = fuzz.compose(own.below(REQUESTS_MAX));
    const hangs = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => reject(new Error(`a session hangs; seed ${SEED}`)), SESSION_MS_MAX);
      timer.unref();
    });
    await Promise.race([play(path, own, script), hangs]);
  };

  while (messages() < MESSAGES) {
    await Promise.all(Array.from({ length: PARALLEL }, () => session(address.path)));
    assert.equal(await honest.request({ command: 3 }), 0, `an honest client is disturbed; seed ${SEED}`);
    heapBytes.push(process.memoryUsage().heapUsed + process.memoryUsage().external);
  }

  await setup.until(() => setup.server.connections === 1);
  const { inFlightBytes, requestsInFlight, pooledBytes, failures } = setup.server.stats();
  assert.deepEqual(
    { inFlightBytes, requestsInFlight, failures },
    { inFlightBytes: 0, requestsInFlight: 0, failures: 0 },
  );
  assert.ok(pooledBytes <= 64 * MIB);
  const half = Math.floor(heapBytes.length / 2);
  const peak = (values: readonly number[]) => Math.max(...values);
  if (half > 4) {
    const grownBytes = peak(heapBytes.slice(half)) - peak(heapBytes.slice(0, half));
    assert.ok(grownBytes < 64 * MIB, `memory grows by ${grownBytes} bytes; seed ${SEED}`);
  }
});
