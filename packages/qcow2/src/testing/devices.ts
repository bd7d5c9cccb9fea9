import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';

/** A device that holds these bytes, with zeroes behind them up to a whole sector. */
export async function holding(bytes: Uint8Array, sectorSize = 512): Promise<BlockDevice> {
  const sizeSectors = Math.ceil(bytes.byteLength / sectorSize);
  const device = await connectMemory({ sectorSize, sizeSectors });
  const whole = new Uint8Array(sizeSectors * sectorSize);
  whole.set(bytes);
  if (sizeSectors > 0) await device.write(0, [whole]);
  return device;
}

/** All that is on a device. */
export async function contentsOf(device: BlockDevice): Promise<Uint8Array> {
  const { sectorSize, sizeSectors } = device.info;
  const bytes = new Uint8Array(sizeSectors * sectorSize);
  if (sizeSectors > 0) await device.read(0, [bytes]);
  return bytes;
}

/** Bytes that tell where they are. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff);
}

/** The sectors that a device knows to be zero, as an array of booleans. */
export async function zeroSectorsOf(device: BlockDevice): Promise<boolean[]> {
  const { sizeSectors } = device.info;
  const extents = await device.extents(0, sizeSectors);
  return extents.flatMap(({ count, type }) => Array<boolean>(count).fill(type === 'zero'));
}
