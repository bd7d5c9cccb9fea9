import { describe, expect, test } from 'vitest';
import { bytesAt, filled, openCache, SECTOR } from '../testing/fixture.js';

/** Room for some twenty lines of eight sectors. */
const STARVED = { lineSize: 4096, maxSizeBytes: 160_000 };
const LARGE = 1600;

function detach(bytes: Uint8Array): void {
  const memory = bytes.buffer as ArrayBuffer;
  structuredClone(memory, { transfer: [memory] });
}

describe('A buffer that is transferred away while its request waits', () => {
  test('for memory fails that write, and those behind it go on', async () => {
    const { cache, base, memory } = await openCache(2 * LARGE, STARVED);
    base.hold('write');
    const [kept, lost] = [filled(LARGE / 2, 1), filled(LARGE / 2, 2)];
    const failing = cache.write(0, [kept, lost]);
    const behind = cache.write(LARGE, [filled(LARGE, 3)]);
    const small = cache.write(2 * LARGE - 1, [filled(1, 4)]);
    detach(lost);
    base.release();
    await expect(failing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'write' });
    await Promise.all([behind, small]);
    await cache.flush();
    // Each sector is old or new, and what could not be copied is old [D2].
    for (let sector = 0; sector < LARGE; sector++) {
      expect(sector < LARGE / 2 ? [0, 1] : [0]).toContain(memory.bytes[sector * SECTOR]);
    }
    expect(await bytesAt(cache, LARGE, LARGE)).toEqual([...Array(LARGE - 1).fill(3), 4]);
    await cache.disconnect();
  });

  test('for memory fails that read, and those behind it go on', async () => {
    const { cache, base, memory } = await openCache(2 * LARGE, STARVED);
    memory.bytes.fill(7);
    base.hold('read');
    const [kept, lost] = [filled(LARGE / 2, 1), filled(LARGE / 2, 2)];
    const failing = cache.read(0, [kept, lost]);
    const behind = bytesAt(cache, LARGE, LARGE);
    await base.called('read');
    detach(lost);
    base.release();
    await expect(failing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'read' });
    expect(await behind).toEqual(Array(LARGE).fill(7));
    expect(cache.snapshot()).toMatchObject({ waitingRequests: 0, readsInFlight: 0 });
    await cache.disconnect();
  });

  test('for a fetch that it shares fails that read, and the others have their data', async () => {
    const { cache, base, memory } = await openCache(64, STARVED);
    memory.bytes.fill(7);
    base.hold('read');
    const lost = filled(8, 1);
    const first = bytesAt(cache, 0, 8);
    const failing = cache.read(0, [lost]);
    const last = bytesAt(cache, 4, 8);
    await base.called('read');
    detach(lost);
    base.release();
    await expect(failing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await first).toEqual(Array(8).fill(7));
    expect(await last).toEqual(Array(8).fill(7));
    await cache.disconnect();
  });

  test('with its end alone out of reach leaves clean lines as the base has them', async () => {
    const { cache, base, memory } = await openCache(2 * LARGE, STARVED);
    memory.bytes.fill(7);
    expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(7));
    base.hold('write');
    const filling = cache.write(LARGE, [filled(LARGE, 3)]);
    const [kept, lost] = [filled(4, 1), filled(4, 2)];
    const failing = cache.write(0, [kept, lost]);
    detach(lost);
    base.release();
    await expect(failing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await filling;
    expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(7));
    await cache.disconnect();
    expect(memory.bytes[0]).toBe(7);
  });
});
