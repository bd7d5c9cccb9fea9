import { describe, expect, test } from 'vitest';
import { byteLengthOf, createDevice } from '../index.js';

const SECTOR = 512;
const GIB = 2 ** 30;

/** A device that moves nothing, and notes what it was asked to move. */
function connect(atomicSectors: boolean) {
  const calls: { readonly kind: string; readonly start: number; readonly byteLength: number }[] = [];
  const move = (kind: string) => async (start: number, buffers: readonly Uint8Array[]) => {
    calls.push({ kind, start, byteLength: byteLengthOf(buffers) });
  };
  const device = createDevice({
    name: 'heavy',
    sectorSize: SECTOR,
    sizeSectors: 2 ** 40,
    atomicSectors,
    read: move('read'),
    write: move('write'),
    flush() {},
    resize() {},
    disconnect() {},
  });
  return { device, calls };
}

/** One piece of memory, over and over. */
function listOf(byteLength: number): Uint8Array[] {
  const piece = new Uint8Array(8 << 20);
  const list = new Array<Uint8Array>(Math.floor(byteLength / piece.byteLength)).fill(piece);
  return [...list, new Uint8Array(byteLength % piece.byteLength)];
}

describe.each([true, false])('A driver with atomicSectors: %s', (atomicSectors) => {
  test.each(['read', 'write'] as const)('is asked to %s at most a gibibyte in one call', async (kind) => {
    const { device, calls } = connect(atomicSectors);
    await device[kind](7, listOf(2 * GIB + 3 * SECTOR));
    expect(calls).toEqual([
      { kind, start: 7, byteLength: GIB },
      { kind, start: 7 + GIB / SECTOR, byteLength: GIB },
      { kind, start: 7 + (2 * GIB) / SECTOR, byteLength: 3 * SECTOR },
    ]);
  });

  test('is given a single buffer of more than that in pieces, too', async () => {
    const { device, calls } = connect(atomicSectors);
    // Never touched, so that it takes no memory.
    await device.write(0, [new Uint8Array(GIB + SECTOR)]);
    expect(calls.map(({ byteLength }) => byteLength)).toEqual([GIB, SECTOR]);
  });

  test('is given no further piece once the device was ended by force', async () => {
    const { device, calls } = connect(atomicSectors);
    const write = device.write(0, listOf(2 * GIB)).catch((error: unknown) => error);
    await device.disconnect({ force: true });
    expect(await write).toMatchObject({ code: 'DISCONNECTED', operation: 'write' });
    expect(calls).toHaveLength(1);
  });
});
