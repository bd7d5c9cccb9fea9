import type { ObjectVersion } from '@blockyard/object-store';
import type { Checks } from './checks.js';
import { CHECK_BLOCK_BYTES, HEAD_BYTES, MAX_PART_BYTES } from './layout.js';

/** A record is a head and, right behind it, the bytes of a range of a part of an object. */
const MAGIC = Buffer.from('blkypart');
const AT = { identity: 8, part: 40, offset: 44, length: 48, size: 56, checks: 64, texts: 192, check: HEAD_BYTES - 4 };
const IDENTITY_BYTES = 32;
const MAX_CHECKS = MAX_PART_BYTES / CHECK_BLOCK_BYTES;
/** The lengths of ETag and stamp take four bytes of these. */
const MAX_TEXT_BYTES = AT.check - AT.texts - 4;

/** What a record holds: bytes `offset` to before `offset + lengthBytes` of part `part`, of this version of the object. */
export interface Head {
  /** 32 bytes: of which object. */
  readonly identity: Uint8Array;
  readonly part: number;
  /** First byte, counted from the beginning of the part. */
  readonly offset: number;
  readonly lengthBytes: number;
  readonly version: ObjectVersion;
  /** Of each {@link CHECK_BLOCK_BYTES} of the data. */
  readonly checks: readonly number[];
}

/** Whether a record can say this version: ETag and stamp must fit into its head. */
export function fitsHead({ etag, stamp }: ObjectVersion): boolean {
  return Buffer.byteLength(etag) + Buffer.byteLength(stamp ?? '') <= MAX_TEXT_BYTES;
}

export function encodeHead(head: Head, checks: Checks): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.set(MAGIC);
  bytes.set(head.identity, AT.identity);
  bytes.writeUInt32LE(head.part, AT.part);
  bytes.writeUInt32LE(head.offset, AT.offset);
  bytes.writeUInt32LE(head.lengthBytes, AT.length);
  bytes.writeBigUInt64LE(BigInt(head.version.sizeBytes), AT.size);
  for (const [i, check] of head.checks.entries()) bytes.writeUInt32LE(check, AT.checks + 4 * i);
  writeTexts(bytes, head.version);
  bytes.writeUInt32LE(checks.of(bytes.subarray(0, AT.check)), AT.check);
  return bytes;
}

/** Undefined for what is not a head of this medium. */
export function decodeHead(source: Uint8Array, checks: Checks): Head | undefined {
  const bytes = Buffer.from(source.buffer, source.byteOffset, HEAD_BYTES);
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(AT.check) !== checks.of(bytes.subarray(0, AT.check))) return undefined;
  const lengthBytes = bytes.readUInt32LE(AT.length);
  const count = Math.min(MAX_CHECKS, Math.ceil(lengthBytes / CHECK_BLOCK_BYTES));
  return {
    identity: Uint8Array.from(bytes.subarray(AT.identity, AT.identity + IDENTITY_BYTES)),
    part: bytes.readUInt32LE(AT.part),
    offset: bytes.readUInt32LE(AT.offset),
    lengthBytes,
    version: { sizeBytes: Number(bytes.readBigUInt64LE(AT.size)), ...readTexts(bytes) },
    checks: Array.from({ length: count }, (_, i) => bytes.readUInt32LE(AT.checks + 4 * i)),
  };
}

/** The checksums of a record's data. */
export function checksOf(data: Uint8Array, checks: Checks): number[] {
  const count = Math.ceil(data.byteLength / CHECK_BLOCK_BYTES);
  return Array.from({ length: count }, (_, i) =>
    checks.of(data.subarray(i * CHECK_BLOCK_BYTES, (i + 1) * CHECK_BLOCK_BYTES)),
  );
}

/** The length of each, 0 for a stamp that there is not, and one more than its length for one that there is. */
function writeTexts(bytes: Buffer, { etag, stamp }: ObjectVersion): void {
  const etagBytes = Buffer.from(etag);
  const stampBytes = Buffer.from(stamp ?? '');
  bytes.writeUInt16LE(etagBytes.byteLength, AT.texts);
  bytes.writeUInt16LE(stamp === undefined ? 0 : stampBytes.byteLength + 1, AT.texts + 2);
  bytes.set(etagBytes, AT.texts + 4);
  bytes.set(stampBytes, AT.texts + 4 + etagBytes.byteLength);
}

function readTexts(bytes: Buffer): Pick<ObjectVersion, 'etag' | 'stamp'> {
  const start = AT.texts + 4;
  const etagEnd = start + bytes.readUInt16LE(AT.texts);
  const stampLength = bytes.readUInt16LE(AT.texts + 2);
  return {
    etag: bytes.toString('utf8', start, etagEnd),
    stamp: stampLength === 0 ? undefined : bytes.toString('utf8', etagEnd, etagEnd + stampLength - 1),
  };
}
