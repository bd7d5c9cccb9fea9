import { crc32 } from 'node:zlib';
import { BlockError, isZero } from '@blockyard/block';
import { HEAD_BYTES, MAX_PART_BYTES, MIN_PART_BYTES, type Shape } from './layout.js';

const MAGIC = Buffer.from('blkyobjc');
const VERSION = 1;
const AT = { version: 8, id: 12, partBytes: 28, regionBytes: 32, regionsStart: 36, ghosts: 40, check: HEAD_BYTES - 4 };
export const MEDIUM_ID_BYTES = 16;

/** What a medium says about itself, once and for all. */
export interface Superblock {
  /** 16 random bytes. */
  readonly id: Uint8Array;
  readonly shape: Shape;
}

export function encodeSuperblock({ id, shape }: Superblock): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.set(MAGIC);
  bytes.writeUInt32LE(VERSION, AT.version);
  bytes.set(id, AT.id);
  bytes.writeUInt32LE(shape.partBytes, AT.partBytes);
  bytes.writeUInt32LE(shape.regionBytes, AT.regionBytes);
  bytes.writeUInt32LE(shape.regionsStart / HEAD_BYTES, AT.regionsStart);
  bytes.writeUInt32LE(shape.ghosts, AT.ghosts);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, AT.check)), AT.check);
  return bytes;
}

/** What a copy is: readable; zeroes; ours, but damaged; or something else. */
export type SuperblockCopy = Superblock | 'zeroes' | 'damaged' | 'foreign';

/** `UNSUPPORTED` if a later build has written it. */
export function decodeSuperblock(copy: Uint8Array): SuperblockCopy {
  const bytes = Buffer.from(copy.buffer, copy.byteOffset, HEAD_BYTES);
  if (isZero(bytes)) return 'zeroes';
  const isSound = bytes.readUInt32LE(AT.check) === crc32(bytes.subarray(0, AT.check));
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return 'foreign';
  if (!isSound) return 'damaged';
  const version = bytes.readUInt32LE(AT.version);
  if (version !== VERSION) {
    throw new BlockError(
      'UNSUPPORTED',
      `the medium of the object cache has version ${version}, this build knows ${VERSION}`,
    );
  }
  const shape = {
    partBytes: bytes.readUInt32LE(AT.partBytes),
    regionBytes: bytes.readUInt32LE(AT.regionBytes),
    regionsStart: bytes.readUInt32LE(AT.regionsStart) * HEAD_BYTES,
    ghosts: bytes.readUInt32LE(AT.ghosts),
  };
  if (!isSensible(shape)) return 'damaged';
  return { id: Uint8Array.from(bytes.subarray(AT.id, AT.id + MEDIUM_ID_BYTES)), shape };
}

function isSensible({ partBytes, regionBytes, ghosts }: Shape): boolean {
  const isPowerOfTwo = (value: number) => value > 0 && Number.isInteger(Math.log2(value));
  return (
    isPowerOfTwo(partBytes) &&
    partBytes >= MIN_PART_BYTES &&
    partBytes <= MAX_PART_BYTES &&
    isPowerOfTwo(regionBytes) &&
    regionBytes > 2 * partBytes &&
    isPowerOfTwo(ghosts)
  );
}
