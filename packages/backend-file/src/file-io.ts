import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Libc } from './libc.js';
import type { Natives } from './native.js';

/**
 * The system calls that the driver makes on one open file. They fail with the operating system's errors (`code: 'EIO'`).
 * Positions and lengths are bytes.
 */
export interface FileIo {
  /** Reads up to the length of the buffers. Returns how much, 0 only at the end of the file. */
  readv(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** Writes up to the length of the buffers. Returns how much. */
  writev(buffers: readonly Uint8Array[], position: number): Promise<number>;
  /** The same, and what was written is durable when it returns. Undefined where the system has no such call. */
  readonly writevDurably?: ((buffers: readonly Uint8Array[], position: number) => Promise<number>) | undefined;
  /** Makes the file's contents and what is needed to read them durable. */
  datasync(): Promise<void>;
  /** Makes everything about the file durable. */
  sync(): Promise<void>;
  /** Makes the file `length` bytes long. What is new is zeroes. */
  truncate(length: number): Promise<void>;
  /** Makes a range read as zeroes and gives its space back. `ENOTSUP` where there is no such thing. */
  punchHole(position: number, length: number): Promise<void>;
  /** Called with nothing else in flight. */
  close(): Promise<void>;
  /** Undefined where the system does not tell a file's holes. */
  readonly holes?: Holes | undefined;
}

/** Where an open file has data and where it has holes. Bytes. */
export interface Holes {
  /** Where the first data at `position` or behind it begins. Undefined if none follows, or the file ends before. */
  nextData(position: number): Promise<number | undefined>;
  /** Where the first hole at `position` or behind it begins; the end of the file counts as one. Undefined if the file ends before. */
  nextHole(position: number): Promise<number | undefined>;
  /** Where the file ends. */
  length(): Promise<number>;
}

/** An open file of Node's. */
export class NodeFileIo implements FileIo {
  readonly #handle: FileHandle;
  readonly #durable: FileHandle | undefined;
  readonly #natives: Natives | undefined;
  readonly holes: Holes | undefined;
  readonly writevDurably: FileIo['writevDurably'];

  /** @param durable the same file, opened so that writes are durable when they return */
  constructor(
    handle: FileHandle,
    {
      natives,
      holes,
      durable,
    }: { natives: Natives | undefined; holes: Holes | undefined; durable: FileHandle | undefined },
  ) {
    this.#handle = handle;
    this.#durable = durable;
    this.#natives = natives;
    this.holes = holes;
    if (durable !== undefined) this.writevDurably = (buffers, position) => writev(durable, buffers, position);
  }

  // Transfers take the callback functions: with several in flight they do half as many operations again as the handle's own.
  readv(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.readv(this.#handle.fd, buffers, position, (error, length) => (error ? reject(error) : resolve(length)));
    });
  }

  writev(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return writev(this.#handle, buffers, position);
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#handle.fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  async punchHole(position: number, length: number): Promise<void> {
    if (this.#natives === undefined) throw Object.assign(new Error('no native support for holes'), { code: 'ENOTSUP' });
    await this.#natives.trim(this.#handle.fd, position, length);
  }

  async close(): Promise<void> {
    await this.#durable?.close();
    await this.#handle.close();
  }
}

function writev({ fd }: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, buffers, position, (error, length) => (error ? reject(error) : resolve(length)));
  });
}

/**
 * Asks a regular file for its holes. Undefined where the system or the file system does not tell them. Moves the descriptor's own position,
 * which nothing here uses: transfers say theirs.
 */
export async function holesOf(
  handle: FileHandle,
  libc: Libc | undefined,
  sizeBytes: number,
): Promise<Holes | undefined> {
  if (libc === undefined) return undefined;
  try {
    // At the last byte: quick, however much there is in the file. A file system may refuse only one of the two.
    const last = Math.max(0, sizeBytes - 1);
    await libc.seekData(handle.fd, last);
    await libc.seekHole(handle.fd, last);
  } catch {
    return undefined;
  }
  return {
    nextData: (position) => libc.seekData(handle.fd, position),
    nextHole: (position) => libc.seekHole(handle.fd, position),
    length: async () => (await handle.stat()).size,
  };
}
