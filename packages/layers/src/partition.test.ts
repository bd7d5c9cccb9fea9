import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { partition } from './index.js';
import { look, memory, recorder, sectors } from './testing/base.js';

describe('a partition', () => {
  test('is the part of the base that it was told', async () => {
    const base = await memory(10);
    const part = partition(base, { startSector: 3, sizeSectors: 4 });
    assert.equal(part.info.sizeSectors, 4);
    assert.equal(part.info.name, 'partition[3+4](memory)');
    await part.write(0, [sectors(4, 1)]);
    await part.writeZeroes(1, 1);
    await part.discard(3, 1);
    assert.deepEqual(await look(base), [0, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    await base.write(0, [sectors(3, 2)]);
    assert.deepEqual(await look(part), [1, 0, 1, 0]);
  });

  test('cannot reach past its end, though the base is larger', async () => {
    const part = partition(await memory(10), { startSector: 3, sizeSectors: 4 });
    for (const attempt of [
      part.read(4, [sectors(1, 0)]),
      part.write(3, [sectors(2, 0)]),
      part.discard(0, 5),
      part.extents(4, 1),
    ]) {
      await assert.rejects(attempt, (error) => isBlockError(error, 'OUT_OF_BOUNDS'));
    }
  });

  test('lends its own sectors, and no others of the base', async () => {
    const base = await memory(10);
    for (let sector = 0; sector < 10; sector++) await base.write(sector, [sectors(1, sector)]);
    const part = partition(base, { startSector: 3, sizeSectors: 4 });
    assert.deepEqual(part.lend?.(1, 2)?.views, [new Uint8Array([...sectors(1, 4), ...sectors(1, 5)])]);
    assert.equal(part.lend?.(3, 2), undefined);
  });

  test('tells extents in its own sectors', async () => {
    const base = await memory(1024);
    await base.write(0, [sectors(1024, 1)]);
    await base.discard(256, 256);
    const part = partition(base, { startSector: 128, sizeSectors: 512 });
    assert.deepEqual(await part.extents(64, 448), [
      { start: 64, count: 64, type: 'data' },
      { start: 128, count: 256, type: 'zero' },
      { start: 384, count: 128, type: 'data' },
    ]);
  });

  test('flushes itself, not its neighbours', async () => {
    const { device, calls } = recorder();
    const part = partition(device, { startSector: 8, sizeSectors: 16 });
    await part.flush();
    await part.flush({ start: 1, count: 2 });
    assert.deepEqual(calls, ['flush({"start":8,"count":16})', 'flush({"start":9,"count":2})']);
  });

  test('stays of its size', async () => {
    const base = await memory(10);
    const part = partition(base, { startSector: 3, sizeSectors: 4 });
    await assert.rejects(part.resize(5), (error) => isBlockError(error, 'UNSUPPORTED'));
    assert.deepEqual([part.info.sizeSectors, base.info.sizeSectors], [4, 10]);
  });

  test('shares its base with others: ending one leaves them working', async () => {
    const base = await memory(10);
    const [left, right] = [
      partition(base, { startSector: 0, sizeSectors: 5 }),
      partition(base, { startSector: 5, sizeSectors: 5 }),
    ];
    await left.disconnect();
    await assert.rejects(left.read(0, [sectors(1, 0)]), (error) => isBlockError(error, 'DISCONNECTED'));
    await right.write(0, [sectors(1, 7)]);
    assert.deepEqual(await look(base, 5, 1), [7]);
  });

  test('must lie within its base', async () => {
    const base = await memory(10);
    partition(base, { startSector: 9, sizeSectors: 1 });
    for (const [startSector, sizeSectors] of [
      [9, 2],
      [11, 1],
      [2 ** 53 - 1, 2 ** 53 - 1],
    ] as const) {
      assert.throws(
        () => partition(base, { startSector, sizeSectors }),
        (error) => isBlockError(error, 'OUT_OF_BOUNDS'),
      );
    }
    for (const [startSector, sizeSectors] of [
      [-1, 2],
      [0.5, 1],
      [0, 0],
    ] as const) {
      assert.throws(
        () => partition(base, { startSector, sizeSectors }),
        (error) => isBlockError(error, 'INVALID_ARGUMENT'),
      );
    }
  });

  test('of a base that has shrunk below it says so', async () => {
    const base = await memory(10);
    const part = partition(base, { startSector: 3, sizeSectors: 4 });
    await base.resize(5);
    await part.read(0, [sectors(2, 0)]);
    await assert.rejects(part.read(0, [sectors(3, 0)]), (error) => isBlockError(error, 'OUT_OF_BOUNDS'));
  });
});
