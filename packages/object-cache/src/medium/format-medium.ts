import { randomBytes } from 'node:crypto';
import { BlockError, isZero } from '@blockyard/block';
import { GHOSTS_START, HEAD_BYTES, SECOND_COPY_BYTES, type Shape, shapeFor } from '../format/layout.js';
import {
  decodeSuperblock,
  encodeSuperblock,
  MEDIUM_ID_BYTES,
  type Superblock,
  type SuperblockCopy,
} from '../format/superblock.js';
import type { Medium } from './medium.js';

/** A medium is held for empty if so much of it, at either end, is zeroes. */
const LOOK_BYTES = 1 << 20;

/**
 * Reads what the medium says about itself. One of zeroes is formatted. `ALREADY_EXISTS` if something else is on it, `CORRUPT`
 * if it was ours and neither copy of the superblock is sound, `UNSUPPORTED` for a later version, `INVALID_ARGUMENT` if it is
 * too small to be formatted; and what the medium fails with.
 */
export async function openOrFormat(medium: Medium, partBytes: number, maxRegionBytes: number): Promise<Superblock> {
  const sizeBytes = medium.info.sectorSize * medium.info.sizeSectors;
  if (sizeBytes < GHOSTS_START) throw new BlockError('INVALID_ARGUMENT', `a medium of ${sizeBytes} bytes is too small`);
  const copies = [await readCopy(medium, 0), await readCopy(medium, SECOND_COPY_BYTES)] as const;
  const [first, second] = copies;
  const sound = isSuperblock(first) ? first : isSuperblock(second) ? second : undefined;
  if (sound !== undefined) {
    if (first !== sound) await mend(medium, 0, sound);
    if (!isSuperblock(second)) await mend(medium, SECOND_COPY_BYTES, sound);
    return sound;
  }
  if (copies.includes('damaged')) throw new BlockError('CORRUPT', 'both copies of the superblock are damaged');
  if (copies.includes('foreign') || !(await isEmpty(medium))) {
    throw new BlockError('ALREADY_EXISTS', 'there is something else on the medium of the object cache');
  }
  return format(medium, shapeFor(medium.info, partBytes, maxRegionBytes));
}

/** It is made durable before any region is written: what is on the medium is never without it. */
async function format(medium: Medium, shape: Shape): Promise<Superblock> {
  const superblock = { id: randomBytes(MEDIUM_ID_BYTES), shape };
  await writeCopy(medium, 0, superblock);
  await writeCopy(medium, SECOND_COPY_BYTES, superblock);
  await medium.flush();
  return superblock;
}

/** Reading goes on without: the other copy is sound. */
async function mend(medium: Medium, start: number, superblock: Superblock): Promise<void> {
  await writeCopy(medium, start, superblock).catch(() => {});
}

async function readCopy(medium: Medium, start: number): Promise<SuperblockCopy> {
  return decodeSuperblock(await medium.read(start, start + sectorOf(medium)));
}

async function writeCopy(medium: Medium, start: number, superblock: Superblock): Promise<void> {
  const sector = new Uint8Array(sectorOf(medium));
  sector.set(encodeSuperblock(superblock));
  await medium.write(start, sector);
}

function sectorOf({ info }: Medium): number {
  return Math.max(HEAD_BYTES, info.sectorSize);
}

function isSuperblock(copy: SuperblockCopy): copy is Superblock {
  return typeof copy === 'object';
}

async function isEmpty(medium: Medium): Promise<boolean> {
  const { sectorSize, sizeSectors } = medium.info;
  const sizeBytes = sectorSize * sizeSectors;
  const look = Math.min(sizeBytes, LOOK_BYTES);
  const ends = [await medium.read(0, look), await medium.read(sizeBytes - look, sizeBytes)];
  return ends.every(isZero);
}
