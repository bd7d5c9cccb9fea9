import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromErrno, unlessErrno } from '@blockyard/block';
import type { HotRange } from '@blockyard/cache';
import {
  type DecodedList,
  decodeList,
  encodeList,
  LIST_BYTES_MAX,
  type ListKind,
  type ListOwner,
} from '../format/range-list.js';

/** A list tells where the data of a volume are: no one else's to read. */
const MODE = 0o600;

/** What is where a list should be. */
export type FoundList = DecodedList | { readonly state: 'missing' };

/** One list of ranges in a file. */
export class ListFile {
  readonly path: string;
  readonly #kind: ListKind;

  constructor(path: string, kind: ListKind) {
    this.path = path;
    this.#kind = kind;
  }

  /** Reads it. Never rejects: what cannot be read is unusable, and another's. */
  async load(owner: ListOwner): Promise<FoundList> {
    try {
      const bytes = await unlessErrno(['ENOENT'], readSmall(this.path));
      return bytes === undefined ? { state: 'missing' } : decodeList(this.#kind, owner, bytes);
    } catch (error) {
      return { state: 'unusable', isOwn: false, reason: `it cannot be read (${fromErrno(error).message})` };
    }
  }

  /**
   * Writes it, in place of what is there, in one step: after a crash there is the old one or the new one. One writer at a time.
   * Rejects with a `BlockError` of the file system; what was there is as it was then.
   */
  async save(owner: ListOwner, ranges: readonly HotRange[]): Promise<void> {
    const beside = `${this.path}.new`;
    try {
      await writeDurably(beside, encodeList(this.#kind, owner, ranges));
      await rename(beside, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      await unlink(beside).catch(() => {});
      throw fromErrno(error);
    }
  }
}

/** All of a file that is no larger than a list; of a larger one as much as shows that it is none. */
async function readSmall(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, LIST_BYTES_MAX + 1));
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.byteLength; length += read) {
      read = (await file.read(bytes, length, bytes.byteLength - length, length)).bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', MODE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows has no such call.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
