import assert from 'node:assert/strict';
import { type BlockDevice, isBlockError, type Operation } from '@blockyard/block';
import { describe, test } from 'vitest';
import { partition, withDelay, withFaults, withReadOnly, withStats, withTrace } from './index.js';
import { memory, recorder, SECTOR, sectors } from './testing/base.js';

type Wrap = (base: BlockDevice, ownsBase?: boolean) => BlockDevice;
const owns = (ownsBase?: boolean) => (ownsBase === undefined ? {} : { ownsBase });

const LAYERS: readonly [string, Wrap][] = [
  ['delay', (base, own) => withDelay(base, owns(own))],
  ['faults', (base, own) => withFaults(base, { rules: [], ...owns(own) })],
  ['stats', (base, own) => withStats(base, owns(own))],
  ['trace', (base, own) => withTrace(base, () => {}, owns(own))],
  ['readonly', (base, own) => withReadOnly(base, owns(own))],
  ['partition', (base, own) => partition(base, { startSector: 0, sizeSectors: base.info.sizeSectors, ...owns(own) })],
];

/** One call of every operation, so that a new one is not forgotten here either. */
const CALLS: { readonly [O in Operation]: (device: BlockDevice) => Promise<unknown> } = {
  read: (device) => device.read(1, [sectors(2, 0)]),
  write: (device) => device.write(1, [sectors(2, 0)]),
  flush: (device) => device.flush({ start: 3, count: 4 }),
  resize: (device) => device.resize(65),
  discard: (device) => device.discard(5, 6),
  writeZeroes: (device) => device.writeZeroes(7, 8),
  extents: (device) => device.extents(9, 10),
  disconnect: (device) => device.disconnect({ force: true }),
};
const FORWARDED: Readonly<Record<Operation, string>> = {
  read: 'read(1, [])',
  write: 'write(1, [])',
  flush: 'flush({"start":3,"count":4})',
  resize: 'resize(65)',
  discard: 'discard(5, 6)',
  writeZeroes: 'writeZeroes(7, 8)',
  extents: 'extents(9, 10)',
  disconnect: 'disconnect({"force":true})',
};

describe.each(LAYERS)('%s', (name, wrap) => {
  const native = (calls: string[]) => ({
    discard: (start: number, count: number) => void calls.push(`discard(${start}, ${count})`),
    writeZeroes: (start: number, count: number) => void calls.push(`writeZeroes(${start}, ${count})`),
    extents: (start: number, count: number) => {
      calls.push(`extents(${start}, ${count})`);
      return [{ start, count, type: 'data' as const }];
    },
  });

  test('hands every operation to the base as it came, or refuses it', async () => {
    for (const operation of Object.keys(CALLS) as Operation[]) {
      const calls: string[] = [];
      const { device: base, calls: others } = recorder(native(calls));
      const layer = wrap(base, true);
      const refused = await CALLS[operation](layer).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused === undefined) assert.deepEqual([...calls, ...others], [FORWARDED[operation]]);
      else
        assert.ok(
          isBlockError(refused, name === 'partition' ? 'UNSUPPORTED' : 'READ_ONLY'),
          `${operation}: ${refused}`,
        );
      if (refused !== undefined) assert.ok(name === 'readonly' || (name === 'partition' && operation === 'resize'));
    }
  });

  test.each([
    ['all of them', { discard: true, writeZeroes: true, extents: true }],
    ['none', { discard: false, writeZeroes: false, extents: false }],
    ['one', { discard: false, writeZeroes: true, extents: false }],
  ])('has the native operations of its base: %s', async (_, wanted) => {
    const all = native([]);
    const chosen = Object.fromEntries(Object.entries(all).filter(([key]) => wanted[key as keyof typeof wanted]));
    const { device: base } = recorder(chosen);
    assert.deepEqual(wrap(base).info.native, wanted);
  });

  test('takes the facts of its base, and adds its name', async () => {
    const { device: base } = recorder();
    const { info } = wrap(base);
    assert.equal(info.sectorSize, SECTOR);
    assert.equal(info.sizeSectors, 64);
    assert.equal(info.preferredIoBytes, 4096);
    assert.equal(info.readOnly, name === 'readonly');
    assert.match(info.name, new RegExp(`^${name}.*\\(recorder\\)$`));
  });

  test('is read-only over a read-only base', async () => {
    const { device: base, calls } = recorder({ readOnly: true });
    const layer = wrap(base);
    assert.equal(layer.info.readOnly, true);
    await assert.rejects(layer.write(0, [sectors(1, 1)]), (error) => isBlockError(error, 'READ_ONLY'));
    assert.deepEqual(calls, []);
  });

  test('ends its base with itself if it owns it, and leaves it usable but flushed if not', async () => {
    const owned = await memory();
    await wrap(owned, true).disconnect();
    await assert.rejects(owned.flush(), (error) => isBlockError(error, 'DISCONNECTED'));

    const { device: shared, calls } = recorder();
    await wrap(shared, false).disconnect();
    if (name !== 'readonly') assert.match(calls.join(), /^flush\(/);
    await shared.read(0, [sectors(1, 0)]);
    await wrap(shared, false).disconnect({ force: true });
    await shared.read(0, [sectors(1, 0)]);
  });

  test('owns its base by default, a partition excepted', async () => {
    const base = await memory();
    await wrap(base).disconnect();
    const usable = await base.flush().then(
      () => true,
      () => false,
    );
    assert.equal(usable, name === 'partition');
  });

  test('refuses an option that it does not know, and an ownsBase that is no boolean', async () => {
    const base = await memory();
    const refusal = (error: unknown) => isBlockError(error, 'INVALID_ARGUMENT');
    assert.throws(() => wrap(base, 'yes' as unknown as boolean), refusal);
    const unknown = { rules: [], startSector: 0, sizeSectors: 1, speed: 1 };
    const makers = {
      delay: withDelay,
      faults: withFaults,
      stats: withStats,
      readonly: withReadOnly,
      partition,
    } as Record<string, (base: BlockDevice, options: never) => BlockDevice>;
    const make = makers[name] ?? ((device, options) => withTrace(device, () => {}, options));
    assert.throws(() => make(base, unknown as never), /unknown option/);
  });
});

describe('what the base lends', () => {
  test('is lent on by the layers that only pass calls on, and by no other: their work is with every call', async () => {
    for (const [name, wrap] of LAYERS) {
      const base = await memory();
      await base.write(0, [sectors(64, 7)]);
      const loan = wrap(base).lend?.(1, 2);
      if (name === 'readonly' || name === 'partition') assert.deepEqual(loan?.views, [sectors(2, 7)], name);
      else assert.equal(loan, undefined, name);
      loan?.release();
    }
  });

  test('stays what it was when the layer has ended or the base is written to', async () => {
    const base = await memory();
    await base.write(0, [sectors(64, 7)]);
    const part = partition(base, { startSector: 8, sizeSectors: 8 });
    const loan = part.lend?.(0, 2);
    await part.write(0, [sectors(8, 9)]);
    await part.disconnect();
    assert.deepEqual(loan?.views, [sectors(2, 7)]);
    assert.equal(part.lend?.(0, 2), undefined);
  });

  test('nothing, where the base lends nothing', () => {
    assert.equal(withReadOnly(recorder().device).lend?.(0, 1), undefined);
  });
});

describe('what the base tells of fragments', () => {
  const fragments = (start: number, count: number) => [
    { start, count: 1, request: 1 },
    { start: start + 1, count: count - 1, request: 2 },
  ];

  test('is told by every layer but the delay, which holds reads back that began at once', () => {
    for (const [name, wrap] of LAYERS) {
      const layer = wrap(recorder({ fragments }).device);
      assert.equal(layer.fragments === undefined, name === 'delay', name);
      assert.deepEqual(layer.fragments?.(3, 4) ?? fragments(3, 4), fragments(3, 4), name);
    }
  });

  test('is told by a partition in its own sectors', () => {
    const part = partition(recorder({ fragments }).device, { startSector: 8, sizeSectors: 8 });
    assert.deepEqual(part.fragments?.(3, 4), fragments(3, 4));
    assert.equal(part.fragments?.(3, 6), undefined);
  });

  test('is unknown where the base does not know it, or has none', () => {
    for (const [name, wrap] of LAYERS) {
      assert.equal(wrap(recorder({ fragments: () => undefined }).device).fragments?.(0, 1), undefined, name);
      assert.equal(wrap(recorder().device).fragments, undefined, name);
    }
  });
});

describe('a layer over a base that is resized through it', () => {
  test('has the new size', async () => {
    for (const [name, wrap] of LAYERS) {
      if (name === 'readonly' || name === 'partition') continue;
      const base = await memory();
      const layer = wrap(base);
      await layer.resize(100);
      assert.equal(layer.info.sizeSectors, 100, name);
      assert.equal(base.info.sizeSectors, 100, name);
    }
  });
});
