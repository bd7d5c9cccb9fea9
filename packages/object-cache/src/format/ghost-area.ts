import { endianness } from 'node:os';
import type { Checks } from './checks.js';
import { HEAD_BYTES } from './layout.js';

const MAGIC = Buffer.from('blkyghst');
const AT = { count: 8, check: 12 };

/** The ghosts as they lie on the medium: 512 bytes of header, then 16 bits each. */
export function encodeGhosts(tags: Uint16Array, checks: Checks): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES + 2 * tags.length);
  bytes.set(new Uint8Array(tags.buffer, tags.byteOffset, tags.byteLength), HEAD_BYTES);
  swapIfBig(bytes.subarray(HEAD_BYTES));
  bytes.set(MAGIC);
  bytes.writeUInt32LE(tags.length, AT.count);
  bytes.writeUInt32LE(checks.of(bytes.subarray(HEAD_BYTES)), AT.check);
  return bytes;
}

/** Undefined if they are not so many, or not sound. */
export function decodeGhosts(source: Uint8Array, count: number, checks: Checks): Uint16Array | undefined {
  const bytes = Buffer.from(source.buffer, source.byteOffset, HEAD_BYTES + 2 * count);
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(AT.count) !== count) return undefined;
  if (bytes.readUInt32LE(AT.check) !== checks.of(bytes.subarray(HEAD_BYTES))) return undefined;
  const tags = new Uint16Array(count);
  const view = Buffer.from(tags.buffer);
  view.set(bytes.subarray(HEAD_BYTES));
  swapIfBig(view);
  return tags;
}

/** On the medium they are little-endian, whatever the machine is. */
function swapIfBig(bytes: Buffer): void {
  if (endianness() === 'BE') bytes.swap16();
}
