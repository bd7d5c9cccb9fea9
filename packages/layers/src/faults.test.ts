import assert from 'node:assert/strict';
import { type BlockDevice, type BlockErrorCode, isBlockError } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { FAULT_LOG_MAX, type FaultRule, withFaults } from './index.js';
import { look, memory, recorder, sectors } from './testing/base.js';

async function setUp(rules: readonly FaultRule[], seed = 0) {
  const base = await memory();
  return { base, device: withFaults(base, { rules, seed }) };
}

/** One letter per write: what became of it. */
async function writeMany(device: BlockDevice, count: number): Promise<string> {
  let outcome = '';
  for (let i = 0; i < count; i++) {
    outcome += await device.write(0, [sectors(1, 1)]).then(
      () => '.',
      () => 'x',
    );
  }
  return outcome;
}

const injected = (code: BlockErrorCode) => (error: unknown) =>
  isBlockError(error, code) && /injected fault/.test(error.message);

describe('what goes wrong', () => {
  test('failBefore: nothing is done', async () => {
    const { base, device } = await setUp([{ action: 'failBefore', operation: 'write' }]);
    await assert.rejects(device.write(0, [sectors(1, 1)]), injected('IO'));
    assert.deepEqual(await look(base, 0, 1), [0]);
  });

  test('failAfter: all is done', async () => {
    const { base, device } = await setUp([{ action: 'failAfter', operation: 'write', code: 'TIMEOUT' }]);
    await assert.rejects(device.write(0, [sectors(1, 1)]), injected('TIMEOUT'));
    assert.deepEqual(await look(base, 0, 1), [1]);
  });

  test('tear: the first sectors are done, also across buffers', async () => {
    const { base, device } = await setUp([{ action: 'tear', operation: 'write', tornSectors: 3 }]);
    await assert.rejects(device.write(1, [sectors(2, 1), sectors(2, 2)]), injected('IO'));
    assert.deepEqual(await look(base, 0, 6), [0, 1, 1, 2, 0, 0]);
    assert.equal(device.faults.log[0]?.tornSectors, 3);
  });

  test('tear: of discard and writeZeroes too', async () => {
    const { base, device } = await setUp([{ action: 'tear', operation: ['discard', 'writeZeroes'], tornSectors: 1 }]);
    await base.write(0, [sectors(6, 1)]);
    await assert.rejects(device.discard(0, 3), injected('IO'));
    await assert.rejects(device.writeZeroes(3, 3), injected('IO'));
    assert.deepEqual(await look(base, 0, 6), [0, 1, 1, 0, 1, 1]);
  });

  test('tear: left to chance, does some sectors but never all, and of a single one none', async () => {
    const { device } = await setUp([{ action: 'tear', operation: 'write' }]);
    for (let i = 0; i < 50; i++) await assert.rejects(device.write(0, [sectors(5, i)]));
    await assert.rejects(device.write(0, [sectors(1, 1)]));
    const torn = device.faults.log.map((record) => record.tornSectors ?? -1);
    assert.equal(torn.pop(), 0);
    assert.deepEqual([...new Set(torn)].sort(), [1, 2, 3, 4]);
  });

  test('lie: a write, a discard or a flush claims to be done', async () => {
    const { device: base, calls } = recorder({ discard: () => {} });
    const device = withFaults(base, { rules: [{ action: 'lie', operation: ['write', 'discard', 'flush'] }] });
    await device.write(0, [sectors(1, 1)]);
    await device.discard(0, 1);
    await device.flush();
    assert.deepEqual(calls, []);
  });

  test('lie: a read leaves the buffers as they were', async () => {
    const { device } = await setUp([{ action: 'lie', operation: 'read' }]);
    const found = sectors(1, 9);
    await device.read(0, [found]);
    assert.deepEqual(found, sectors(1, 9));
  });

  test('hang: waits until it is released, and is done then', async () => {
    const { base, device } = await setUp([{ action: 'hang', operation: 'write', nth: 1 }]);
    let isOver = false;
    const wrote = device.write(0, [sectors(1, 1)]).then(() => {
      isOver = true;
    });
    await device.write(1, [sectors(1, 2)]);
    await settled();
    assert.equal(isOver, false);
    assert.equal(device.faults.hanging, 1);
    assert.deepEqual(await look(base, 0, 2), [0, 2]);
    device.faults.release();
    await wrote;
    assert.deepEqual(await look(base, 0, 2), [1, 2]);
    assert.equal(device.faults.hanging, 0);
  });

  test('hang: a forced disconnect ends it, the operation not done', async () => {
    const { device: base, calls } = recorder();
    const device = withFaults(base, { rules: [{ action: 'hang', operation: ['write', 'disconnect'] }] });
    const wrote = device.write(0, [sectors(1, 1)]);
    await device.disconnect({ force: true });
    await assert.rejects(wrote, (error) => isBlockError(error, 'DISCONNECTED'));
    assert.deepEqual(calls, ['disconnect({"force":true})']);
  });

  test('hang: a forced disconnect lets go of a disconnect that hangs', async () => {
    const { base, device } = await setUp([{ action: 'hang', operation: 'disconnect' }]);
    const disconnected = device.disconnect();
    await settled();
    assert.equal(device.faults.hanging, 1);
    await device.disconnect({ force: true });
    await disconnected;
    await assert.rejects(base.flush(), (error) => isBlockError(error, 'DISCONNECTED'));
  });

  test('a failed disconnect leaves the device connected, and can be tried again', async () => {
    const { base, device } = await setUp([{ action: 'failBefore', operation: 'disconnect', nth: 1 }]);
    await assert.rejects(device.disconnect(), injected('IO'));
    await device.write(0, [sectors(1, 1)]);
    await device.disconnect();
    await assert.rejects(base.flush(), (error) => isBlockError(error, 'DISCONNECTED'));
  });

  test('a failed resize leaves the size', async () => {
    const { device } = await setUp([{ action: 'failBefore', operation: 'resize', code: 'NO_SPACE' }]);
    await assert.rejects(device.resize(100), injected('NO_SPACE'));
    assert.equal(device.info.sizeSectors, 64);
  });
});

describe('when it goes wrong', () => {
  test('every time, unless told otherwise', async () => {
    const { device } = await setUp([{ action: 'failBefore', operation: 'write' }]);
    assert.equal(await writeMany(device, 4), 'xxxx');
  });

  test('the nth time', async () => {
    const { device } = await setUp([{ action: 'failBefore', operation: 'write', nth: 3 }]);
    assert.equal(await writeMany(device, 6), '..x...');
  });

  test('so many times at most', async () => {
    const { device } = await setUp([{ action: 'failBefore', operation: 'write', maxTimes: 2 }]);
    assert.equal(await writeMany(device, 4), 'xx..');
  });

  test('with a probability: the same calls for the same seed, others for another', async () => {
    const rules: FaultRule[] = [{ action: 'failBefore', operation: 'write', probability: 0.3 }];
    const runs = [];
    for (const seed of [1, 1, 2]) runs.push(await writeMany((await setUp(rules, seed)).device, 200));
    assert.equal(runs[0], runs[1]);
    assert.notEqual(runs[0], runs[2]);
    const struck = runs[0]?.match(/x/g)?.length ?? 0;
    assert.ok(struck > 40 && struck < 80, `${struck} of 200 at 0.3`);
  });

  test('for its operation alone, though the name of another contains it', async () => {
    const { device } = await setUp([{ action: 'failBefore', operation: 'writeZeroes' }]);
    await device.write(0, [sectors(1, 1)]);
    await assert.rejects(device.writeZeroes(0, 1), injected('IO'));
  });

  test('where the call touches a range', async () => {
    const { device } = await setUp([{ action: 'failBefore', operation: 'read', range: { start: 10, count: 2 } }]);
    await device.read(8, [sectors(2, 0)]);
    await device.read(12, [sectors(2, 0)]);
    for (const [start, count] of [
      [9, 2],
      [11, 2],
      [0, 64],
    ] as const) {
      await assert.rejects(device.read(start, [sectors(count, 0)]), injected('IO'));
    }
    await device.flush();
  });

  test('where a condition says so, counting only those calls', async () => {
    const large: FaultRule = {
      action: 'failBefore',
      operation: 'write',
      when: ({ range }) => (range?.count ?? 0) > 1,
      nth: 2,
    };
    const { device } = await setUp([large]);
    await device.write(0, [sectors(2, 0)]);
    await device.write(0, [sectors(1, 0)]);
    await assert.rejects(device.write(0, [sectors(2, 0)]), injected('IO'));
  });

  test('by the first rule that strikes, while the others go on counting', async () => {
    const { device } = await setUp([
      { action: 'failBefore', operation: 'write', nth: 1, code: 'TIMEOUT' },
      { action: 'failBefore', operation: 'write', nth: 1, code: 'NO_SPACE' },
      { action: 'failBefore', operation: 'write', nth: 2, code: 'UNAVAILABLE' },
    ]);
    await assert.rejects(device.write(0, [sectors(1, 0)]), injected('TIMEOUT'));
    await assert.rejects(device.write(0, [sectors(1, 0)]), injected('UNAVAILABLE'));
    await device.write(0, [sectors(1, 0)]);
  });

  test('never again after it was healed, and what hangs is carried out', async () => {
    const { device } = await setUp([
      { action: 'hang', operation: 'flush' },
      { action: 'failBefore', operation: 'write' },
    ]);
    const flushed = device.flush();
    device.faults.heal();
    await flushed;
    assert.equal(await writeMany(device, 3), '...');
  });
});

describe('the log', () => {
  test('tells what was done to whom', async () => {
    const { device } = await setUp([
      { action: 'lie', operation: 'flush' },
      { action: 'failBefore', operation: 'write', nth: 2 },
    ]);
    await writeMany(device, 3);
    await device.flush();
    const [write, flush] = device.faults.log;
    assert.deepEqual(write, {
      ruleIndex: 1,
      action: 'failBefore',
      operation: 'write',
      start: 0,
      count: 1,
      tornSectors: undefined,
    });
    assert.deepEqual([flush?.ruleIndex, flush?.operation, flush?.start], [0, 'flush', undefined]);
  });

  test('forgets the oldest when it is full', async () => {
    const { device } = await setUp([{ action: 'lie', operation: ['write', 'flush'] }]);
    await device.flush();
    for (let i = 0; i < FAULT_LOG_MAX; i++) await device.write(0, [sectors(1, 0)]);
    const { log } = device.faults;
    assert.equal(log.length, FAULT_LOG_MAX);
    assert.equal(log[0]?.operation, 'write');
  });
});

test.each<[string, unknown]>([
  ['no rules', undefined],
  ['an unknown operation', [{ action: 'lie', operation: 'scribble' }]],
  ['no operation', [{ action: 'lie' }]],
  ['an unknown action', [{ action: 'explode', operation: 'write' }]],
  ['to tear a flush', [{ action: 'tear', operation: ['write', 'flush'] }]],
  ['to make extents up', [{ action: 'lie', operation: 'extents' }]],
  ['a zeroth call', [{ action: 'lie', operation: 'write', nth: 0 }]],
  ['a probability above one', [{ action: 'lie', operation: 'write', probability: 2 }]],
  ['nth and probability at once', [{ action: 'lie', operation: 'write', nth: 1, probability: 1 }]],
  ['an unknown code', [{ action: 'failBefore', operation: 'write', code: 'OOPS' }]],
  ['an unknown option of a rule', [{ action: 'lie', operation: 'write', often: true }]],
  ['a rule that is null', [null]],
])('refuses %s', async (_, rules) => {
  const base = await memory();
  assert.throws(
    () => withFaults(base, { rules: rules as FaultRule[] }),
    (error) => isBlockError(error, 'INVALID_ARGUMENT'),
  );
});
