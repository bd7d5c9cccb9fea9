import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connectMemory } from '@blockyard/backend-memory';
import { isBlockError } from '@blockyard/block';
import { afterEach, test } from 'vitest';
import { withFaults } from './index.js';
import { DEVICE_CHANNEL, type DeviceOperation, withTracing } from './tracing.js';

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
type Told = readonly [event: string, message: DeviceOperation];

const unsubscribers: (() => void)[] = [];
afterEach(() => {
  for (const each of unsubscribers.splice(0)) each();
});

function listen(): Told[] {
  const told: Told[] = [];
  for (const event of EVENTS) {
    const name = `tracing:${DEVICE_CHANNEL}:${event}`;
    const note = (message: unknown) => void told.push([event, message as DeviceOperation]);
    subscribe(name, note);
    unsubscribers.push(() => void unsubscribe(name, note));
  }
  return told;
}

test('each operation is told from its beginning to its outcome, with what it is about', async () => {
  const device = withTracing(await connectMemory({ sizeSectors: 64 }));
  const told = listen();
  await device.write(3, [new Uint8Array(1024).fill(1)]);
  assert.deepEqual(
    told.map(([event]) => event),
    ['start', 'end', 'asyncStart', 'asyncEnd'],
  );
  const messages = new Set(told.map(([, message]) => message));
  assert.equal(messages.size, 1);
  const [{ operation, device: name, sectorSize, start, count, error }] = [...messages] as [DeviceOperation];
  assert.deepEqual([operation, name, sectorSize, start, count, error], ['write', 'memory', 512, 3, 2, undefined]);
  told.length = 0;
  await device.flush();
  assert.deepEqual([told[0]?.[1].operation, told[0]?.[1].start], ['flush', undefined]);
  await device.disconnect();
});

test('a failure is told with its error, and is the caller’s all the same', async () => {
  const rules = [{ action: 'failBefore', operation: 'read', code: 'TIMEOUT' }] as const;
  const device = withTracing(withFaults(await connectMemory({ sizeSectors: 64 }), { rules }));
  const told = listen();
  await assert.rejects(device.read(0, [new Uint8Array(512)]), { code: 'TIMEOUT' });
  assert.deepEqual(
    told.map(([event]) => event),
    ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
  );
  assert.ok(isBlockError(told.at(-1)?.[1].error, 'TIMEOUT'));
  await device.disconnect();
});

test('while no one listens nothing is told, and what began then is told of no more', async () => {
  const device = withTracing(await connectMemory({ sizeSectors: 64 }));
  const reading = device.read(0, [new Uint8Array(512)]);
  const told = listen();
  await reading;
  assert.deepEqual(told, []);
  for (const each of unsubscribers.splice(0)) each();
  await device.read(0, [new Uint8Array(512)]);
  assert.deepEqual(told, []);
  await device.disconnect();
});

test('wrong arguments are refused', async () => {
  const base = await connectMemory({ sizeSectors: 64 });
  assert.throws(() => withTracing(base, { sink: 1 } as never), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => withTracing({} as never), { code: 'INVALID_ARGUMENT' });
  await base.disconnect();
});

test('it may bear the name of what it wraps', async () => {
  const base = await connectMemory({ sizeSectors: 64 });
  const device = withTracing(base, { name: base.info.name });
  assert.equal(device.info.name, 'memory');
  await device.disconnect();
});
