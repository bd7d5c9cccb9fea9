import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert';
import { isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { test } from 'vitest';
import { readWriters, writeStamped } from '../model/expect.js';
import { ControlledBase } from './controlled-base.js';
import { createMemory, createReferenceDevice } from './reference.js';

const open = () => new ControlledBase(createReferenceDevice(createMemory({ sectorSize: 512, sizeSectors: 4 })));

test('what is held is carried out when it is released, last come first', async () => {
  const base = open();
  base.hold('write', 'read');
  const order: string[] = [];
  const calls = [
    writeStamped(base, 1, 0, 1).then(() => order.push('first')),
    writeStamped(base, 2, 1, 1).then(() => order.push('second')),
    readWriters(base).then(() => order.push('read')),
  ];
  await base.called('write', 2);
  await macrotasks(3);
  deepStrictEqual(order, []);
  base.release('write');
  await macrotasks(3);
  deepStrictEqual(order, ['second', 'first']);
  base.release();
  await Promise.all(calls);
  deepStrictEqual(await readWriters(base), [1, 2, 0, 0]);
});

test('what is told to fail fails with that code and changes nothing, until it is healed', async () => {
  const base = open();
  base.fail('write', 'NO_SPACE');
  const error: unknown = await writeStamped(base, 1, 0, 1).catch((thrown) => thrown);
  ok(isBlockError(error, 'NO_SPACE'));
  ok(base.isCauseOf(error) && base.isCauseOf(new Error('outer', { cause: error })));
  strictEqual(base.isCauseOf(new Error('another')), false);
  deepStrictEqual(await readWriters(base), [0, 0, 0, 0]);
  base.heal();
  await writeStamped(base, 1, 0, 1);
  deepStrictEqual(await readWriters(base), [1, 0, 0, 0]);
});

test('calls that no one may make are remembered', async () => {
  const base = open();
  await rejects(writeStamped(base, 1, 4, 1));
  await base.disconnect();
  await rejects(base.flush());
  strictEqual(base.misuses.length, 2);
  strictEqual(base.disconnects, 1);
});

test('a read has its memory to itself until it has settled', async () => {
  const base = open();
  const memory = new Uint8Array(3 * 512);
  const [one, two, three] = [0, 512, 1024].map((at) => memory.subarray(at, at + 512)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  await Promise.all([base.read(0, [one]), base.read(1, [two]), base.write(2, [three])]);
  await base.read(0, [one]);
  strictEqual(base.misuses.join(), '');
  await Promise.all([base.read(0, [memory.subarray(256, 768)]), base.read(1, [two])]);
  await Promise.all([base.read(0, [one]), base.write(1, [one])]);
  await base.read(0, [one, one]);
  deepStrictEqual(
    base.misuses.map((misuse) => misuse.split(':')[0]),
    ['read from 1', 'write from 1', 'read from 0'],
  );
});

test('a forced disconnect waits for nothing that is held', async () => {
  const base = open();
  base.hold('disconnect', 'flush');
  const flush = base.flush();
  await base.disconnect({ force: true });
  strictEqual(base.disconnects, 1);
  base.release();
  await rejects(flush, (error) => isBlockError(error, 'DISCONNECTED'));
  deepStrictEqual(base.misuses, []);
});
