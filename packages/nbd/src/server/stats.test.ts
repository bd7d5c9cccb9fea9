import assert from 'node:assert/strict';
import { BlockError, createDevice } from '@blockyard/block';
import { holdCalls, ManualClock, memoryDriver } from '@blockyard/block/testing';
import { test } from 'vitest';
import { setUp } from '../testing/serve.js';
import { Command } from '../wire/protocol.js';

const { READ, WRITE, FLUSH } = Command;
const KIB = 1024;

/** Two exports, the device of one of which waits for the test. */
async function start() {
  const clock = new ManualClock();
  const driver = holdCalls(memoryDriver(512, 256), { atomicSectors: true });
  const device = createDevice(driver);
  const other = createDevice(memoryDriver(512, 256));
  const setup = await setUp({ device, exports: { held: device, other }, clock });
  const { sectorSize } = device.info;
  const called = () => setup.until(() => driver.held.length > 0);
  const exportStats = () => {
    const { held, other: rest } = setup.server.stats().exports;
    if (held === undefined || rest === undefined) throw new Error('each export has its figures');
    return { held, other: rest };
  };
  return { ...setup, clock, driver, sectorSize, called, exportStats };
}

test('what clients ask of an export is counted there, and in all', async () => {
  const { open, driver, exportStats, server, until, ...setup } = await start();
  try {
    driver.release();
    const client = await open({ name: 'held', mode: 'structured' });
    const second = await open({ name: 'other', mode: 'structured' });
    assert.equal(await client.request({ command: WRITE, payload: new Uint8Array(8 * KIB).fill(1) }), 0);
    assert.equal(await client.request({ command: READ, length: 4 * KIB }), 0);
    assert.equal(await second.request({ command: READ, length: 16 * KIB }), 0);
    const { held, other } = exportStats();
    const counts = ({ requests, readBytes, writtenBytes }: typeof held) => [
      requests.read,
      requests.write,
      readBytes,
      writtenBytes,
    ];
    assert.deepEqual(
      [counts(held), counts(other)],
      [
        [1, 1, 4 * KIB, 8 * KIB],
        [1, 0, 16 * KIB, 0],
      ],
    );
    assert.deepEqual([held.connections, other.connections], [1, 1]);
    const all = server.stats();
    assert.deepEqual(
      [all.requests.read, all.requests.write, all.readBytes, all.writtenBytes],
      [2, 1, 20 * KIB, 8 * KIB],
    );
    assert.deepEqual(Object.keys(held.durations).sort(), ['read', 'write']);
    assert.deepEqual(
      [held.durations.read?.count, other.durations.read?.count, other.durations.write],
      [1, 1, undefined],
    );
    second.close();
    await until(() => exportStats().other.connections === 0);
  } finally {
    await setup[Symbol.asyncDispose]();
  }
});

test('requests are timed from when they are there until they are answered, also those that fail', async () => {
  const { open, driver, clock, called, exportStats, ...setup } = await start();
  try {
    const client = await open({ name: 'held', mode: 'structured' });
    const reading = client.request({ command: READ, length: 4 * KIB });
    await called();
    clock.advance(30);
    assert.deepEqual([exportStats().held.requestsInFlight, exportStats().other.requestsInFlight], [1, 0]);
    driver.take('read').carryOut();
    assert.equal(await reading, 0);
    const flushing = client.request({ command: FLUSH });
    await called();
    clock.advance(7);
    driver.take('flush').fail(new BlockError('IO', 'broken'));
    assert.notEqual(await flushing, 0);
    // Refused, so that nothing was carried out.
    assert.notEqual(await client.request({ command: READ, offset: 2 ** 40, length: 4 * KIB }), 0);
    const { durations, failures, requests } = exportStats().held;
    assert.deepEqual([durations.read?.count, durations.read?.sumUs], [1, 30_000]);
    assert.deepEqual([durations.flush?.count, durations.flush?.sumUs], [1, 7000]);
    assert.deepEqual([failures, requests.read], [1, 2]);
    driver.release();
  } finally {
    await setup[Symbol.asyncDispose]();
  }
});
