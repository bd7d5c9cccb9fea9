import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { BlockError, createDevice, isBlockError } from '@blockyard/block';
import { memoryDriver } from '@blockyard/block/testing';
import { afterEach, test } from 'vitest';
import { setUp } from '../testing/serve.js';
import { Command } from '../wire/protocol.js';
import { NBD_REQUESTS_CHANNEL, type NbdRequest } from './transmission/tracing.js';

const channel = tracingChannel<NbdRequest, NbdRequest>(NBD_REQUESTS_CHANNEL);
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What is told from now on, and the request that each call of the device is for. */
function listen() {
  const present = new AsyncLocalStorage<NbdRequest>();
  const told: (readonly ['start' | 'end', NbdRequest])[] = [];
  const onStart = (message: unknown) => {
    told.push(['start', message as NbdRequest]);
    return message as NbdRequest;
  };
  const onEnd = (message: unknown) => {
    told.push(['end', message as NbdRequest]);
  };
  channel.start.bindStore(present, onStart);
  channel.asyncEnd.subscribe(onEnd);
  const stop = () => {
    channel.start.unbindStore(present);
    channel.asyncEnd.unsubscribe(onEnd);
  };
  ends.push(stop);
  return { present, told, stop };
}

async function start() {
  const calls: (readonly [operation: string, request: NbdRequest | undefined])[] = [];
  const { present, told, stop } = listen();
  const driver = memoryDriver(512, 64 * 1024);
  const device = createDevice({
    ...driver,
    name: 'disk',
    async read(first: number, buffers: readonly Uint8Array[]) {
      calls.push(['read', present.getStore()]);
      await driver.read(first, buffers);
    },
    async write(first: number, buffers: readonly Uint8Array[]) {
      calls.push(['write', present.getStore()]);
      await driver.write(first, buffers);
    },
    async flush() {
      calls.push(['flush', present.getStore()]);
      throw new BlockError('TIMEOUT', 'not in time');
    },
  });
  const setup = await setUp({ device });
  ends.push(() => setup[Symbol.asyncDispose]());
  return { ...setup, calls, told, stop };
}

test('a request is told of with its sectors, and what the device is asked for is on its behalf', async () => {
  const { open, calls, told, stop } = await start();
  const client = await open({ mode: 'structured' });
  assert.equal(await client.request({ command: Command.WRITE, offset: 700, payload: new Uint8Array(512).fill(1) }), 0);
  const [[begun, request] = [], [ended, again] = []] = told;
  assert.deepEqual([begun, ended, told.length], ['start', 'end', 2]);
  assert.equal(request, again);
  const { exportName, ...rest } = request ?? assert.fail();
  assert.deepEqual(rest, { device: 'disk', operation: 'write', sectorSize: 512, start: 1, count: 2 });
  assert.equal(typeof exportName, 'string');
  // The sectors around what was written were read for it.
  assert.deepEqual([...new Set(calls.map(([operation]) => operation))].sort(), ['read', 'write']);
  for (const [, behalf] of calls) assert.equal(behalf, request);
  stop();
  assert.equal(await client.request({ command: Command.READ, length: 512 }), 0);
  assert.deepEqual([told.length, calls.at(-1)?.[1]], [2, undefined]);
});

test('a failure is told with its error, and what is refused is not told of', async () => {
  const { open, told } = await start();
  const client = await open({ mode: 'structured' });
  assert.notEqual(await client.request({ command: Command.READ, offset: 2 ** 40, length: 512 }), 0);
  assert.deepEqual(told, []);
  assert.notEqual(await client.request({ command: Command.FLUSH }), 0);
  const { operation, start: first, count, error } = told.at(-1)?.[1] ?? assert.fail();
  assert.deepEqual([operation, first, count], ['flush', undefined, undefined]);
  assert.ok(isBlockError(error, 'TIMEOUT'));
});
