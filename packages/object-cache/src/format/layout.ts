import { BlockError, type DeviceInfo, invariant } from '@blockyard/block';

/** Records begin at multiples of this, and a head has as many bytes. */
export const HEAD_BYTES = 512;
/** The second copy of the superblock is here: in another sector, however large sectors are. */
export const SECOND_COPY_BYTES = 65_536;
/** Data have a checksum for each so many bytes. */
export const CHECK_BLOCK_BYTES = 4096;
/** A range of a part is remembered in so many steps. */
export const STEPS_PER_PART = 256;
/** A part is looked up in so many blocks, by the one that a range begins in. */
export const BLOCKS_PER_PART = 8;
export const MAX_PART_BYTES = 131_072;
export const MIN_PART_BYTES = 4096;
/** Ranges further into an object are not kept: a gibibyte of parts of 128 KiB. */
export const MAX_PARTS_PER_OBJECT = 8192;
/** A ring of fewer regions would drop too much at a time. */
const MIN_REGIONS = 4;
/** The directory has a slot for each. */
const MAX_REGIONS = 2 ** 20;
/** A slot has this share of a region. */
const SLOTS_PER_REGION = 4096;
/** A region holds so many parts at least. */
const MIN_PARTS_PER_REGION = 2;
/** Positions have 32 bits. */
const MAX_POSITION = 2 ** 32 - 1;

/** What is fixed when a medium is formatted. */
export interface Shape {
  readonly partBytes: number;
  readonly regionBytes: number;
  /** Where the first region begins. */
  readonly regionsStart: number;
  /** Ranges that were asked for once and are remembered. */
  readonly ghosts: number;
}

/** The bytes of a medium: superblocks, ghosts, directory, regions. All but `sectorSize` and the shape follows from the size. */
export class Layout implements Shape {
  readonly partBytes: number;
  readonly regionBytes: number;
  readonly regionsStart: number;
  readonly ghosts: number;
  readonly sectorSize: number;
  readonly regions: number;
  /** Bytes of a slot of the directory. */
  readonly slotBytes: number;
  /** Slots of the directory: regions by which the medium has grown have none. */
  readonly slots: number;
  readonly #directoryStart: number;

  /** `CORRUPT` if no region fits. */
  constructor(shape: Shape, { sectorSize, sizeSectors }: Pick<DeviceInfo, 'sectorSize' | 'sizeSectors'>) {
    this.partBytes = shape.partBytes;
    this.regionBytes = shape.regionBytes;
    this.regionsStart = shape.regionsStart;
    this.ghosts = shape.ghosts;
    this.sectorSize = sectorSize;
    this.slotBytes = slotBytesFor(shape.regionBytes, sectorSize);
    this.#directoryStart = GHOSTS_START + ghostAreaBytes(shape.ghosts);
    this.slots = Math.floor((shape.regionsStart - this.#directoryStart) / this.slotBytes);
    const usableBytes = Math.min(sectorSize * sizeSectors, MAX_POSITION * HEAD_BYTES) - shape.regionsStart;
    this.regions = Math.min(MAX_REGIONS, Math.floor(usableBytes / shape.regionBytes));
    if (this.regions < 1) throw new BlockError('CORRUPT', 'the medium is smaller than what it was formatted for');
  }

  /** Bytes in a step of a part. */
  get stepBytes(): number {
    return this.partBytes / STEPS_PER_PART;
  }

  /** Where a region begins, in bytes of the medium. */
  startOf(region: number): number {
    invariant(region >= 0 && region < this.regions, 'a region is on the medium');
    return this.regionsStart + region * this.regionBytes;
  }

  /** Where a region's slot of the directory begins. */
  slotOf(region: number): number {
    invariant(region >= 0 && region < this.slots, 'a region has a slot');
    return this.#directoryStart + region * this.slotBytes;
  }

  /** The first sector that begins at or after a byte. */
  alignUp(bytes: number): number {
    return Math.ceil(bytes / this.sectorSize) * this.sectorSize;
  }

  alignDown(bytes: number): number {
    return Math.floor(bytes / this.sectorSize) * this.sectorSize;
  }
}

/** Bytes of the ghosts' area with its header, whole sectors of any size. */
function ghostAreaBytes(ghosts: number): number {
  return Math.ceil((HEAD_BYTES + 2 * ghosts) / SECOND_COPY_BYTES) * SECOND_COPY_BYTES;
}

/** Where ghosts are. */
export const GHOSTS_START = 2 * SECOND_COPY_BYTES;

/** The shape for a medium of this size. `INVALID_ARGUMENT` if it is too small. */
export function shapeFor(
  { sectorSize, sizeSectors }: Pick<DeviceInfo, 'sectorSize' | 'sizeSectors'>,
  partBytes: number,
  maxRegionBytes: number,
): Shape {
  const sizeBytes = sectorSize * sizeSectors;
  const ghosts = ghostsFor(sizeBytes, partBytes);
  const least = leastRegionBytes(partBytes, sectorSize);
  const startFor = (regionBytes: number) =>
    regionsStartFor(
      ghosts,
      Math.min(MAX_REGIONS, Math.ceil(sizeBytes / regionBytes)) * slotBytesFor(regionBytes, sectorSize),
    );
  const regionsOf = (regionBytes: number) => (sizeBytes - startFor(regionBytes)) / regionBytes;
  let regionBytes = Math.max(maxRegionBytes, least);
  while (regionBytes / 2 >= least && regionsOf(regionBytes) < MIN_REGIONS) regionBytes /= 2;
  while (regionsOf(regionBytes) > MAX_REGIONS) regionBytes *= 2;
  if (regionsOf(regionBytes) < MIN_REGIONS) {
    const leastBytes = startFor(least) + MIN_REGIONS * least;
    const message = `a medium for parts of ${partBytes} bytes has at least ${leastBytes} bytes, not ${sizeBytes}`;
    throw new BlockError('INVALID_ARGUMENT', message);
  }
  return { partBytes, regionBytes, regionsStart: startFor(regionBytes), ghosts };
}

function regionsStartFor(ghosts: number, directoryBytes: number): number {
  return GHOSTS_START + ghostAreaBytes(ghosts) + Math.ceil(directoryBytes / SECOND_COPY_BYTES) * SECOND_COPY_BYTES;
}

/** A power of two, whole sectors: 4 KiB for a region of 16 MiB, which is the index of 200 records. */
function slotBytesFor(regionBytes: number, sectorSize: number): number {
  return Math.max(sectorSize, HEAD_BYTES, regionBytes / SLOTS_PER_REGION);
}

/** Room for two parts, each in sectors of its own, and for the index, rounded up to a power of two. */
function leastRegionBytes(partBytes: number, sectorSize: number): number {
  const record = Math.ceil((HEAD_BYTES + partBytes) / sectorSize) * sectorSize;
  return 2 ** Math.ceil(Math.log2(MIN_PARTS_PER_REGION * record + Math.max(sectorSize, HEAD_BYTES)));
}

const MIN_GHOSTS = 4096;
/** A small medium has more of them than parts: one for each 4 KiB, up to here. */
const MAX_GHOSTS_OF_SMALL = 65_536;

/** As many as there are parts, which is two bytes for each, at least half of that: a power of two. */
function ghostsFor(sizeBytes: number, partBytes: number): number {
  const ofSmall = Math.min(MAX_GHOSTS_OF_SMALL, sizeBytes / 4096);
  return Math.max(MIN_GHOSTS, 2 ** Math.floor(Math.log2(Math.max(ofSmall, sizeBytes / partBytes))));
}
