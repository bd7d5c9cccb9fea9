import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
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
  /** Makes the file's contents and what is needed to read them durable. */
  datasync(): Promise<void>;
  /** Makes everything about the file durable. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Makes a range read as zeroes and gives its space back. `ENOTSUP` where there is no such thing. */
  punchHole(position: number, length: number): Promise<void>;
  /** Called with nothing else in flight. */
  close(): Promise<void>;
}

/** An open file of Node's. */
export class NodeFileIo implements FileIo {
  readonly #handle: FileHandle;
  readonly #natives: Natives | undefined;

  constructor(handle: FileHandle, natives: Natives | undefined) {
    this.#handle = handle;
    this.#natives = natives;
  }

  // Transfers take the callback functions: with several in flight they do half as many operations again as the handle's own.
  readv(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.readv(this.#handle.fd, buffers, position, (error, length) => (error ? reject(error) : resolve(length)));
    });
  }

  writev(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#handle.fd, buffers, position, (error, length) => (error ? reject(error) : resolve(length)));
    });
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
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

  close(): Promise<void> {
    return this.#handle.close();
  }
}
