import { corrupt, Fields, textOf } from './bytes.js';
import type { TablePlace } from './geometry.js';

/** What an image was, as far as it is listed in it. */
export interface Snapshot {
  /** Tells it from the others in the image. Most often a small number. */
  readonly id: string;
  readonly name: string;
  readonly createdMs: number;
  /** Bytes of the disk at that time; undefined where the image does not say, as old ones do not. */
  readonly sizeBytes: number | undefined;
  /** Bytes of the state of a running machine that are kept with it. */
  readonly vmStateBytes: number;
}

export interface ListedSnapshot extends Snapshot {
  readonly l1: TablePlace;
}

/** Bytes that hold the fixed part of any entry. */
export const FIXED_BYTES = 40;
const EXTRA_BYTES_MAX = 1024;

/** The sizes in the fixed part of an entry. */
export interface EntryShape {
  readonly extraBytes: number;
  readonly idBytes: number;
  readonly nameBytes: number;
  /** All of it, with what fills it up to the next entry. */
  readonly totalBytes: number;
}

export function entryShapeIn(fixed: Uint8Array, index: number): EntryShape {
  const fields = new Fields(fixed);
  const extraBytes = fields.u32(36);
  if (extraBytes > EXTRA_BYTES_MAX) {
    throw corrupt(`snapshot ${index} has ${extraBytes} bytes beyond what is known, more than ${EXTRA_BYTES_MAX}`);
  }
  const [idBytes, nameBytes] = [fields.u16(12), fields.u16(14)];
  return {
    extraBytes,
    idBytes,
    nameBytes,
    totalBytes: Math.ceil((FIXED_BYTES + extraBytes + idBytes + nameBytes) / 8) * 8,
  };
}

/** One entry of the table, as long as its shape says. */
export function snapshotIn(entry: Uint8Array, shape: EntryShape, index: number): ListedSnapshot {
  const fields = new Fields(entry);
  const idAt = FIXED_BYTES + shape.extraBytes;
  const nameAt = idAt + shape.idBytes;
  const sizeBytes = shape.extraBytes >= 16 ? fields.u64(FIXED_BYTES + 8) : undefined;
  return {
    id: textOf(entry.subarray(idAt, nameAt), `the id of snapshot ${index}`),
    name: textOf(entry.subarray(nameAt, nameAt + shape.nameBytes), `the name of snapshot ${index}`),
    createdMs: fields.u32(16) * 1000 + Math.floor(fields.u32(20) / 1e6),
    sizeBytes,
    vmStateBytes: shape.extraBytes >= 8 ? fields.u64(FIXED_BYTES) : fields.u32(32),
    l1: { offset: fields.u64(0), entries: fields.u32(8) },
  };
}
