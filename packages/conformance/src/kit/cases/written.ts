import type { BlockDevice } from '@blockyard/block';
import { writeStamped } from '../../model/expect.js';
import type { Context, Wrapped } from '../case.js';
import type { Volume } from '../subject.js';

/** Sizes of the context, which most cases need. */
interface Sizes {
  readonly sectorSize: number;
  readonly sizeSectors: number;
}

/** A new device, all of whose sectors writer 1 has written. */
export async function openWritten(context: Context): Promise<Sizes & { readonly device: BlockDevice }> {
  const device = await context.open();
  return { device, ...(await writeAll(device, context)) };
}

/** The same, with its volume. */
export async function createWritten(
  context: Context,
): Promise<Sizes & { readonly volume: Volume; readonly device: BlockDevice }> {
  const volume = await context.create();
  const device = await context.connect(volume);
  return { volume, device, ...(await writeAll(device, context)) };
}

/** The same, over a base that the case controls. */
export async function wrapWritten(context: Context): Promise<Sizes & Wrapped> {
  const wrapped = await context.wrap();
  return { ...wrapped, ...(await writeAll(wrapped.device, context)) };
}

async function writeAll(device: BlockDevice, { sectorSize, sizeSectors }: Context): Promise<Sizes> {
  await writeStamped(device, 1, 0, sizeSectors);
  return { sectorSize, sizeSectors };
}
