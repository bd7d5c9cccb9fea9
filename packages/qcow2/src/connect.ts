import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { Qcow2Driver } from './driver.js';
import { type BackingFacts, factsOf, type Qcow2Facts, shown } from './facts.js';
import { corrupt, unsupported } from './format/bytes.js';
import type { Header, NamedBacking } from './format/header.js';
import type { ListedSnapshot, Snapshot } from './format/snapshots.js';
import { ByteReader } from './image/byte-reader.js';
import { ImageReader } from './image/image-reader.js';
import { readHeader, readSnapshots, viewOf } from './image/open-image.js';
import { type BackingFormat, type CheckedOptions, checkOptions, type Qcow2Options } from './options.js';

/** The disk in an image: a read-only device, which also tells what the image is. */
export interface Qcow2Device extends BlockDevice {
  readonly image: Qcow2Facts;
  /** The snapshots in the image, in its order. Rejects with `CORRUPT`, and as the base does. */
  snapshots(): Promise<readonly Snapshot[]>;
}

/**
 * Opens the disk in the qcow2 image that `base` holds, with all images below it.
 *
 * Rejects with `INVALID_ARGUMENT` (an option is wrong or unknown), `CORRUPT` (it is no qcow2 image, or a damaged one),
 * `UNSUPPORTED` (encryption, an external data file, a feature that is not known, a backing file that no option allows),
 * `NOT_FOUND` (there is no such snapshot), and as the base and `openBacking` do. Then the base is still the caller's, and all
 * else is ended.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectQcow2 } from '@blockyard/qcow2';
 *
 * const noImage = await connectMemory({ sizeSectors: 128 });
 * console.log(await connectQcow2(noImage).catch(({ code }) => code)); // CORRUPT
 * ```
 */
export async function connectQcow2(base: BlockDevice, options: Qcow2Options = {}): Promise<Qcow2Device> {
  try {
    return await openImage(base, checkOptions(base, options), []);
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: nameOf(base) });
  }
}

function nameOf(base: BlockDevice): string {
  return `qcow2(${base?.info?.name})`;
}

/** @param through names of the backing files that led here */
async function openImage(base: BlockDevice, options: CheckedOptions, through: readonly string[]): Promise<Qcow2Device> {
  const image = new ByteReader(base);
  const header = await readHeader(image);
  const snapshot = await snapshotOf(image, header, options.snapshot);
  const view = viewOf(image, header, snapshot);
  const below = header.backing === undefined ? undefined : await openBelow(header.backing, options, through);
  const { sectorSize, ownsBase, maxTableBytes, maxClusterBytes, clock } = options;
  const reader = new ImageReader(image, below?.device, { header, view, maxTableBytes, maxClusterBytes, clock });
  const driver = new Qcow2Driver({
    name: nameOf(base),
    sectorSize,
    sizeBytes: view.sizeBytes,
    clusterBytes: header.geometry.clusterBytes,
    reader,
    owned: [...(below === undefined ? [] : [below.device]), ...(ownsBase ? [base] : [])],
    lost: base.lost,
  });
  return Object.assign(createDevice(driver, { clock }), {
    image: factsOf(header, view.sizeBytes, snapshot, below?.facts ?? null),
    snapshots: () => listSnapshots(image, header, base),
  });
}

async function listSnapshots(image: ByteReader, header: Header, base: BlockDevice): Promise<readonly Snapshot[]> {
  try {
    return (await readSnapshots(image, header)).map(shown);
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(base) });
  }
}

/** An id is meant before a name. */
async function snapshotOf(
  image: ByteReader,
  header: Header,
  wanted: string | undefined,
): Promise<ListedSnapshot | undefined> {
  if (wanted === undefined) return undefined;
  const snapshots = await readSnapshots(image, header);
  const found = snapshots.find(({ id }) => id === wanted) ?? snapshots.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  throw new BlockError('NOT_FOUND', `the image has no snapshot ${JSON.stringify(wanted)}`);
}

interface Below {
  readonly device: BlockDevice;
  readonly facts: BackingFacts;
}

async function openBelow(
  { name, format: stated }: NamedBacking,
  options: CheckedOptions,
  through: readonly string[],
): Promise<Below> {
  const { openBacking, maxBackingFiles } = options;
  const shownName = JSON.stringify(name);
  if (openBacking === undefined) {
    throw unsupported(`the image needs the backing file ${shownName}, and none was allowed (openBacking)`);
  }
  if (through.length >= maxBackingFiles) {
    throw corrupt(`more than ${maxBackingFiles} backing files (maxBackingFiles), or backing files in a circle`);
  }
  const format = formatOf(stated, options.backingFormat, shownName);
  const device = await openBacking({ name, format, through });
  if (format === 'raw') return { device, facts: { name, format, image: null } };
  try {
    const below = await openImage(device, { ...options, snapshot: undefined, ownsBase: true }, [...through, name]);
    return { device: below, facts: { name, format, image: below.image } };
  } catch (error) {
    await device.disconnect({ force: true });
    throw BlockError.from(error, { device: nameOf(device) });
  }
}

/** Never guessed by what is in the file: what a guest has written there would decide it. */
function formatOf(stated: string | undefined, otherwise: BackingFormat | undefined, shownName: string): BackingFormat {
  const format = stated ?? otherwise;
  if (format === 'raw' || format === 'qcow2') return format;
  if (format !== undefined) throw unsupported(`the backing file ${shownName} is of format ${JSON.stringify(format)}`);
  throw unsupported(`the image does not tell the format of its backing file ${shownName} (backingFormat does)`);
}
