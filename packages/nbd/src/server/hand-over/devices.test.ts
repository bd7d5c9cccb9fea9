import assert from 'node:assert/strict';
import type { BlockDevice } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { MovingDevices } from './devices.js';

/** The flushes that are made before a pause where each takes as long as the next of these, in milliseconds. */
async function flushesAhead(...tookMs: readonly number[]): Promise<number> {
  const clock = new ManualClock();
  let flushes = 0;
  const flush = async () => clock.advance(tookMs[flushes++] ?? 0);
  const names = new Map([[{ flush } as unknown as BlockDevice, ['disk']]]);
  const devices = new MovingDevices(
    () => names,
    () => Promise.reject(new Error('it is not disconnected')),
  );
  await devices.flushAhead(clock);
  return flushes;
}

describe('Flushes before a pause', () => {
  test('go on while each leaves less, up to a bound', async () => {
    assert.equal(await flushesAhead(5), 1);
    assert.equal(await flushesAhead(800, 600, 450, 300, 200), 4);
    assert.equal(await flushesAhead(800, 300, 9, 4), 3);
  });

  test('end where what comes meanwhile takes as long again', async () => {
    assert.equal(await flushesAhead(3000, 2900, 3100, 2800), 2);
  });
});

describe('Devices that are taken back', () => {
  /** Three of them, released. `open` opens one again. */
  async function released(open: (exportName: string) => Promise<BlockDevice>): Promise<MovingDevices> {
    const device = () => ({ disconnect: async () => {} }) as unknown as BlockDevice;
    const names = new Map(['a', 'b', 'c'].map((name) => [device(), [name]]));
    const devices = new MovingDevices(() => names, open);
    await devices.release();
    return devices;
  }

  test('are opened at once', async () => {
    let open = () => {};
    const allAsked = new Promise<void>((resolve) => {
      open = resolve;
    });
    const asked: string[] = [];
    const devices = await released(async (name) => {
      if (asked.push(name) === 3) open();
      await allAsked;
      return { name } as unknown as BlockDevice;
    });
    const opened = await devices.takeBack();
    assert.deepEqual([...opened.keys()].sort(), ['a', 'b', 'c']);
  });

  test('are let go of where one of them cannot be opened', async () => {
    const ended: string[] = [];
    const devices = await released(async (name) => {
      if (name === 'b') throw new Error('it is away');
      return { disconnect: async () => ended.push(name) } as unknown as BlockDevice;
    });
    await assert.rejects(devices.takeBack(), /cannot be opened again: .*it is away/);
    assert.deepEqual([ended.sort(), devices.areStranded], [['a', 'c'], true]);
  });

  test('are ended by force before, and opened once for all of their exports', async () => {
    const told: string[] = [];
    const disconnect = async ({ force = false } = {}) => void told.push(`ended${force ? ' by force' : ''}`);
    const names = new Map([[{ disconnect } as unknown as BlockDevice, ['a', 'b']]]);
    const again = { disconnect: async () => {} } as unknown as BlockDevice;
    const devices = new MovingDevices(
      () => names,
      async (name) => {
        told.push(`opened ${name}`);
        return again;
      },
    );
    await devices.release();
    const opened = await devices.takeBack();
    assert.deepEqual(told, ['ended', 'ended by force', 'opened a']);
    assert.deepEqual(
      [...opened],
      [
        ['a', again],
        ['b', again],
      ],
    );
  });

  test('are those that were released: one that could not be is what it was', async () => {
    const asked: string[] = [];
    const device = (disconnect: () => Promise<void>) => ({ disconnect }) as unknown as BlockDevice;
    const names = new Map([
      [device(async () => {}), ['a']],
      [device(() => Promise.reject(new Error('what is dirty cannot be written'))), ['b']],
    ]);
    const devices = new MovingDevices(
      () => names,
      async (name) => {
        asked.push(name);
        return device(async () => {});
      },
    );
    await assert.rejects(devices.release(), /cannot be written/);
    const opened = await devices.takeBack();
    assert.deepEqual([asked, [...opened.keys()]], [['a'], ['a']]);
  });

  test('are let go of once each, also where one has several exports', async () => {
    let ended = 0;
    const device = () => ({ disconnect: async () => {} }) as unknown as BlockDevice;
    const names = new Map([
      [device(), ['a', 'b']],
      [device(), ['c']],
    ]);
    const devices = new MovingDevices(
      () => names,
      async (name) => {
        if (name === 'c') throw new Error('it is away');
        return { disconnect: async () => ended++ } as unknown as BlockDevice;
      },
    );
    await devices.release();
    await assert.rejects(devices.takeBack(), /it is away/);
    assert.equal(ended, 1);
  });
});
