import {
  type BlockDevice,
  BlockError,
  checkDevice,
  checkInteger,
  checkOptionNames,
  type Extent,
  type KnownOptions,
  type Operation,
  type SectorRange,
} from '@blockyard/block';
import { checkOwnsBase, invalid } from './check.js';
import { type Args, createLayer, type Intercept, type LayerOptions, type Result } from './layer.js';

/** Options of {@link partition}. */
export interface PartitionOptions extends LayerOptions {
  /** The sector of the base that is sector 0 of the partition. */
  readonly startSector: number;
  /** Size of the partition. It must lie within the base. */
  readonly sizeSectors: number;
  /** Whether disconnecting the partition disconnects the base. Default: false, since a base can have several. */
  readonly ownsBase?: boolean;
}

const KNOWN: KnownOptions<PartitionOptions> = { startSector: true, sizeSectors: true, ownsBase: true };

/** What a call on the partition is on the base. */
const OUTWARD: { readonly [O in Operation]: (args: Args<O>, partition: SectorRange) => Args<O> } = {
  read: ([start, buffers], partition) => [partition.start + start, buffers],
  write: ([start, buffers], partition) => [partition.start + start, buffers],
  flush: ([range], partition) => [range === undefined ? partition : moved(range, partition.start)],
  resize: () => {
    throw new BlockError('UNSUPPORTED', 'a partition cannot be resized');
  },
  discard: ([start, count], partition) => [partition.start + start, count],
  writeZeroes: ([start, count], partition) => [partition.start + start, count],
  extents: ([start, count], partition) => [partition.start + start, count],
  disconnect: (args) => args,
};

/** What the base's result is on the partition. */
const INWARD: { readonly [O in Operation]: (result: Result<O>, partition: SectorRange) => Result<O> } = {
  read: same,
  write: same,
  flush: same,
  resize: same,
  discard: same,
  writeZeroes: same,
  extents: (extents, partition) => extents.map((extent): Extent => moved(extent, -partition.start)),
  disconnect: same,
};

/**
 * A run of the base's sectors as a device of its own. Its `flush` covers its own sectors; `resize` is `UNSUPPORTED`.
 *
 * Throws `INVALID_ARGUMENT` if an option is wrong or unknown, `OUT_OF_BOUNDS` if it does not lie within the base.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { partition } from '@blockyard/layers';
 *
 * const disk = await connectMemory({ sizeSectors: 4096 });
 * const first = partition(disk, { startSector: 2048, sizeSectors: 1024 });
 * await first.write(0, [new Uint8Array(512).fill(1)]); // sector 2048 of the disk
 * console.log(first.info.sizeSectors); // 1024
 * ```
 */
export function partition(base: BlockDevice, options: PartitionOptions): BlockDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  const { startSector, sizeSectors } = options;
  checkInteger(startSector, 'startSector');
  checkInteger(sizeSectors, 'sizeSectors');
  if (sizeSectors === 0) throw invalid('a partition of no sectors');
  const baseSectors = base.info.sizeSectors;
  if (startSector > baseSectors || sizeSectors > baseSectors - startSector) {
    const message = `a partition of ${sizeSectors} sectors from ${startSector} ends past the base's ${baseSectors}`;
    throw new BlockError('OUT_OF_BOUNDS', message);
  }
  const range = { start: startSector, count: sizeSectors };
  const intercept: Intercept = async (operation, args, send) => {
    const result = await send(OUTWARD[operation](args, range));
    return INWARD[operation](result, range);
  };
  const name = `partition[${startSector}+${sizeSectors}]`;
  const ownsBase = checkOwnsBase(options, false);
  return createLayer(base, { name, ownsBase, info: { sizeSectors }, intercept, firstSector: startSector, lends: true });
}

function moved<T extends SectorRange>(range: T, sectors: number): T {
  return { ...range, start: range.start + sectors };
}

function same<T>(result: T): T {
  return result;
}
