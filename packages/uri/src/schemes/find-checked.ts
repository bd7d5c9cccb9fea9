import { type BlockDevice, BlockError } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { invalid } from '../syntax/invalid.js';
import { findShape, type Shape } from './find-layout.js';
import type { OpenOptions } from './scheme.js';

/** What a URI may say of a volume that is so since it was made. */
export interface ShapeWanted {
  readonly sectorSize: number | undefined;
  readonly chunkBytes?: number | undefined;
}

/**
 * Finds a volume that is to be opened, and refuses what was asked for wrongly before that is done: to open it for writing takes it
 * from the process that has it. Closes the store if it rejects: with `INVALID_ARGUMENT` if the volume is not what the URI says, with
 * what `check` and `checkSectors` throw, and as `findShape` does.
 */
export async function findChecked(
  store: ObjectStore,
  prefix: string,
  wanted: ShapeWanted,
  { checkSectors }: Pick<OpenOptions, 'checkSectors'>,
  check: (shape: Shape) => void = () => {},
): Promise<Shape> {
  const device = store.urlOf(prefix);
  try {
    const shape = await findShape(store, prefix);
    check(shape);
    checkShape(device, shape, wanted);
    checkSectors(shape.sectorSize);
    return shape;
  } catch (error) {
    store.close();
    throw BlockError.from(error, { operation: 'connect', device });
  }
}

/** The same of a volume that is open: another may have come in the place of the one that was found. Disconnects that. */
export async function checkOpened(device: BlockDevice, wanted: ShapeWanted): Promise<void> {
  const { name, sectorSize, preferredIoBytes: chunkBytes } = device.info;
  try {
    checkShape(name, { sectorSize, chunkBytes }, wanted);
  } catch (error) {
    await device.disconnect({ force: true });
    throw error;
  }
}

/** A caller that names a sector size counts in it. */
function checkShape(where: string, found: Omit<Shape, 'layout'>, { sectorSize, chunkBytes }: ShapeWanted): void {
  const facts = [
    ['sector', found.sectorSize, sectorSize],
    ['chunk', found.chunkBytes, chunkBytes],
  ] as const;
  for (const [name, stored, said] of facts) {
    if (said === undefined || said === stored) continue;
    throw invalid(`${where} was created with ?${name}=${stored}, not ${said}`);
  }
}
