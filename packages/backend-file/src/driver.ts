import {
  type BlockDriver,
  BlockError,
  type DisconnectOptions,
  type Extent,
  errnoOf,
  zeroBuffers,
} from '@blockyard/block';
import { fileError } from './errno.js';
import { extentsOfFile } from './extents.js';
import type { FileIo } from './file-io.js';
import { Sync } from './sync.js';
import { type Call, readFully, type ThrowIfStopped, writeFully } from './transfer.js';

export type { FileIo } from './file-io.js';

/** Where transfers through the page cache are fastest; smaller ones pay per call, larger ones leave the processor's caches. */
const PREFERRED_IO_BYTES = 1 << 20;

/** Zeroes in one write, where a file system has no holes. */
const ZERO_WRITE_BYTES_MAX = 1 << 20;

/** Errors that say that there is no hole punching here at all, */
const NO_HOLES: readonly (string | undefined)[] = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENODEV'];
/** and one that says so of this range alone: raw devices want it aligned to their own blocks. */
const NO_HOLE_HERE = 'EINVAL';

/** What is known of a file when it is open. */
export interface FileFacts {
  /** Absolute path. */
  readonly path: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  /** False for raw block devices. */
  readonly resizable: boolean;
  /** Byte at which the file ends within its last sector. */
  readonly paddedFrom?: number | undefined;
}

/** Sectors in an open file. */
export class FileDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes = PREFERRED_IO_BYTES;
  /** Left out where the system has no such call. */
  readonly writeDurably?: (start: number, buffers: readonly Uint8Array[]) => Promise<void>;
  /** Left out where holes are not told. */
  readonly extents?: (start: number, count: number) => Promise<Extent[]>;
  readonly #resizable: boolean;
  readonly #paddedFrom: number | undefined;
  readonly #io: FileIo;
  readonly #sync: Sync;
  #hasHoles = true;
  #inFlight = 0;
  #ended = false;

  constructor(io: FileIo, facts: FileFacts) {
    this.name = `file:${facts.path}`;
    this.sectorSize = facts.sectorSize;
    this.sizeSectors = facts.sizeSectors;
    this.readOnly = facts.readOnly;
    this.#resizable = facts.resizable;
    this.#paddedFrom = facts.paddedFrom;
    this.#io = io;
    this.#sync = new Sync(io);
    const { holes, writevDurably } = io;
    if (writevDurably !== undefined && !facts.readOnly) {
      this.writeDurably = (start, buffers) => this.#writeDurably(writevDurably, start * facts.sectorSize, buffers);
    }
    if (holes === undefined) return;
    const sectors = { sectorSize: facts.sectorSize, paddedFrom: facts.paddedFrom };
    this.extents = (start, count) => this.#run(() => extentsOfFile(holes, sectors, start, count, this.#throwIfStopped));
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(() =>
      readFully(this.#io, start * this.sectorSize, buffers, this.#throwIfStopped, this.#paddedFrom),
    );
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#change(() => {
      const call = (batch: readonly Uint8Array[], at: number) => this.#io.writev(batch, at);
      return writeFully(call, start * this.sectorSize, buffers, this.#throwIfStopped);
    });
  }

  async flush(): Promise<void> {
    if (this.readOnly) return;
    await this.#run(() => this.#sync.flush());
  }

  async resize(sizeSectors: number): Promise<void> {
    if (!this.#resizable) throw new BlockError('UNSUPPORTED', 'a raw block device cannot be resized');
    await this.#run(() => this.#io.truncate(sizeSectors * this.sectorSize));
    this.#sync.sizeChanged();
  }

  discard(start: number, count: number): Promise<void> {
    return this.#change(() => this.#zero(start * this.sectorSize, count * this.sectorSize));
  }

  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    this.#ended = true;
    // A system call in flight may still move bytes to or from the caller's memory and the file, so neither its promise nor the
    // lock may end before it does. A caller that uses force does not wait for it.
    if (force && this.#inFlight > 0) return;
    await this.#close();
  }

  /** Throws once the device was disconnected by force. */
  readonly #throwIfStopped: ThrowIfStopped = () => {
    if (this.#ended) throw new BlockError('DISCONNECTED', 'the device was disconnected by force');
  };

  async #zero(position: number, length: number): Promise<void> {
    if (this.#hasHoles && (await this.#punched(position, length))) return;
    for (let done = 0; done < length; done += ZERO_WRITE_BYTES_MAX) {
      const zeroes = zeroBuffers(Math.min(length - done, ZERO_WRITE_BYTES_MAX));
      await writeFully((batch, at) => this.#io.writev(batch, at), position + done, zeroes, this.#throwIfStopped);
    }
  }

  /**
   * Makes itself durable, and nothing else. If it fails, it is a write that has failed: what it left that is not durable is the
   * next flush's, whose descriptor learns of the same error.
   */
  #writeDurably(call: Call, position: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(async () => {
      this.#sync.throwIfFailed();
      try {
        await writeFully(call, position, buffers, this.#throwIfStopped);
      } catch (error) {
        this.#sync.contentsChanged();
        throw error;
      }
    });
  }

  async #punched(position: number, length: number): Promise<boolean> {
    try {
      await this.#io.punchHole(position, length);
      return true;
    } catch (error) {
      const errno = errnoOf(error);
      if (NO_HOLES.includes(errno)) this.#hasHoles = false;
      else if (errno !== NO_HOLE_HERE) throw error;
      return false;
    }
  }

  async #change(task: () => Promise<void>): Promise<void> {
    try {
      await this.#run(task);
    } finally {
      // Also if it failed: part of it may have been done.
      this.#sync.contentsChanged();
    }
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await task();
    } catch (error) {
      throw fileError(error);
    } finally {
      this.#inFlight--;
      if (this.#ended && this.#inFlight === 0) await this.#close();
    }
  }

  async #close(): Promise<void> {
    try {
      await this.#io.close();
    } catch {
      // The descriptor is gone all the same, and what was flushed is durable: there is nothing to try again.
    }
  }
}
