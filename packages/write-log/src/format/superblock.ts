import { BlockError, isZero } from '@blockyard/block';
import { getId, getLong, hasText, setId, setLong, setText, textOf, utf8, viewOf } from './bytes.js';
import { crc32 } from './crc32.js';
import { BASE_ID_BYTES_MAX, inRing, RING_START_BYTES, SUPERBLOCK_BYTES } from './layout.js';

const MAGIC = 'blkywlog';
const VERSION = 1;

const AT = {
  version: 8,
  unit: 12,
  tierId: 16,
  counter: 32,
  run: 40,
  baseSectorSize: 48,
  baseIdBytes: 52,
  baseSizeSectors: 56,
  ringStart: 64,
  ringEnd: 72,
  tailAt: 80,
  tailSequence: 88,
  tailCheck: 96,
  drainingThrough: 104,
  durableThrough: 112,
  attachmentId: 120,
  baseId: 136,
  leftThrough: 392,
  check: 508,
} as const;

/** A place between two records of the chain. */
export interface ChainPlace {
  /** Where the next record begins, in bytes of the medium. In memory it goes on growing from lap to lap. */
  readonly at: number;
  /** Of the record before. The next one has one more. */
  readonly sequence: number;
  /** The check of the record before. */
  readonly check: number;
}

/** What a medium says of itself. */
export interface Superblock {
  /** Records begin and end at multiples of it, in bytes: a sector of the medium when it was formatted. */
  readonly unit: number;
  readonly tierId: string;
  /** The one with the greater number is the later one. */
  readonly counter: number;
  /** Counts openings, and other moments from which on records are not trusted that were on their way before. */
  readonly run: number;
  readonly baseId: string;
  readonly baseSectorSize: number;
  /** The last size of the base that is known to be durable there. */
  readonly baseSizeSectors: number;
  readonly ringStart: number;
  readonly ringEnd: number;
  /** Everything before is durable on the base. */
  readonly tail: ChainPlace;
  /** Of the records up to this one, the base may have some already. */
  readonly drainingThrough: number;
  /** The records up to this one are durable: the chain must have them. */
  readonly durableThrough: number;
  /** What the base knows the tier by, or `NO_ID`. */
  readonly attachmentId: string;
  /** The last record of the chain, where the log was left by an end after which nothing was appended. 0: it was not, or is empty. */
  readonly leftThrough: number;
}

/** `zero`: nothing is there. `foreign`: something else is. `damaged`: one was there. */
export type NoSuperblock = 'zero' | 'foreign' | 'damaged';

/** `SUPERBLOCK_BYTES` of bytes. */
export function encodeSuperblock(superblock: Superblock): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK_BYTES);
  const view = viewOf(bytes);
  const baseId = utf8(superblock.baseId);
  setText(bytes, 0, MAGIC);
  view.setUint32(AT.version, VERSION, true);
  view.setUint32(AT.unit, superblock.unit, true);
  setId(bytes, AT.tierId, superblock.tierId);
  setLong(view, AT.counter, superblock.counter);
  setLong(view, AT.run, superblock.run);
  view.setUint32(AT.baseSectorSize, superblock.baseSectorSize, true);
  view.setUint32(AT.baseIdBytes, baseId.byteLength, true);
  setLong(view, AT.baseSizeSectors, superblock.baseSizeSectors);
  setLong(view, AT.ringStart, superblock.ringStart);
  setLong(view, AT.ringEnd, superblock.ringEnd);
  setLong(view, AT.tailAt, inRing(superblock, superblock.tail.at));
  setLong(view, AT.tailSequence, superblock.tail.sequence);
  view.setUint32(AT.tailCheck, superblock.tail.check, true);
  setLong(view, AT.drainingThrough, superblock.drainingThrough);
  setLong(view, AT.durableThrough, superblock.durableThrough);
  setId(bytes, AT.attachmentId, superblock.attachmentId);
  bytes.set(baseId, AT.baseId);
  setLong(view, AT.leftThrough, superblock.leftThrough);
  view.setUint32(AT.check, crc32(bytes.subarray(0, AT.check)), true);
  return bytes;
}

/** Throws `UNSUPPORTED` where a later version has written it. */
export function decodeSuperblock(bytes: Uint8Array): Superblock | NoSuperblock {
  if (isZero(bytes)) return 'zero';
  const view = viewOf(bytes);
  const isSound = crc32(bytes.subarray(0, AT.check)) === view.getUint32(AT.check, true);
  if (!hasText(bytes, 0, MAGIC)) return 'foreign';
  if (!isSound) return 'damaged';
  const version = view.getUint32(AT.version, true);
  if (version !== VERSION) {
    throw new BlockError('UNSUPPORTED', `the write log has version ${version}, this build knows ${VERSION}`);
  }
  const baseIdBytes = view.getUint32(AT.baseIdBytes, true);
  const superblock: Superblock = {
    unit: view.getUint32(AT.unit, true),
    tierId: getId(bytes, AT.tierId),
    counter: getLong(view, AT.counter),
    run: getLong(view, AT.run),
    baseSectorSize: view.getUint32(AT.baseSectorSize, true),
    baseId: textOf(bytes.subarray(AT.baseId, AT.baseId + Math.min(baseIdBytes, BASE_ID_BYTES_MAX))),
    baseSizeSectors: getLong(view, AT.baseSizeSectors),
    ringStart: getLong(view, AT.ringStart),
    ringEnd: getLong(view, AT.ringEnd),
    tail: {
      at: getLong(view, AT.tailAt),
      sequence: getLong(view, AT.tailSequence),
      check: view.getUint32(AT.tailCheck, true),
    },
    drainingThrough: getLong(view, AT.drainingThrough),
    durableThrough: getLong(view, AT.durableThrough),
    attachmentId: getId(bytes, AT.attachmentId),
    leftThrough: getLong(view, AT.leftThrough),
  };
  return isSensible(superblock) ? superblock : 'damaged';
}

function isSensible({ unit, ringStart, ringEnd, tail }: Superblock): boolean {
  const isWhole = (bytes: number) => bytes % unit === 0;
  return (
    unit > 0 &&
    ringStart === RING_START_BYTES &&
    ringEnd > ringStart &&
    [ringStart, ringEnd, tail.at].every(isWhole) &&
    tail.at >= ringStart &&
    tail.at < ringEnd
  );
}
