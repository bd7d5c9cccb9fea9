import { type BlockDriver, BlockError, type DisconnectOptions, type Extent, sliceBuffers } from '@blockyard/block';
import { ALLOCATION_ZERO, Command, TransmissionFlag } from '../wire/protocol.js';
import type { Channel } from './channel.js';
import { alignExtents } from './extents.js';
import type { Session } from './handshake.js';
import { Job } from './job.js';

/** Longest read or write that is sent in one piece, in bytes, where the server takes that much. */
const PIECE_BYTES_MAX = 2 * 1024 * 1024;
/** Longest range of a request without data, in bytes, where lengths have 32 bits. */
const RANGE_BYTES_MAX = 2 * 1024 * 1024 * 1024;

export interface Shape {
  readonly name: string;
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly session: Session;
}

/** A driver for the export at the other end of the channel, with what its server can do. */
export function makeDriver(channel: Channel, shape: Shape): BlockDriver {
  const { session } = shape;
  const driver = new NbdDriver(channel, shape);
  const zeroes = (session.flags & TransmissionFlag.SEND_WRITE_ZEROES) !== 0;
  return Object.assign(
    driver,
    zeroes ? { discard: driver.zero, writeZeroes: driver.zero } : {},
    session.allocationId === undefined ? {} : { extents: driver.runs },
  );
}

class NbdDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes: number;
  readonly #channel: Channel;
  readonly #pieceBytes: number;
  readonly #rangeBytes: number;
  readonly #flushes: boolean;

  constructor(channel: Channel, { name, sectorSize, readOnly, session }: Shape) {
    this.#channel = channel;
    this.name = name;
    this.sectorSize = sectorSize;
    this.sizeSectors = session.sizeBytes / sectorSize;
    this.readOnly = readOnly;
    this.#pieceBytes = wholeSectors(Math.min(session.maximumBytes, PIECE_BYTES_MAX), sectorSize);
    this.preferredIoBytes = Math.max(
      sectorSize,
      wholeSectors(Math.min(session.preferredBytes, this.#pieceBytes), sectorSize),
    );
    this.#rangeBytes = session.mode === 'extended' ? Number.MAX_SAFE_INTEGER : RANGE_BYTES_MAX;
    this.#flushes = (session.flags & TransmissionFlag.SEND_FLUSH) !== 0;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer(Command.READ, start, buffers);
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer(Command.WRITE, start, buffers);
  }

  async flush(): Promise<void> {
    if (this.#flushes && !this.readOnly) await this.#channel.run(new Job(Command.FLUSH, 0, 0, 0));
  }

  resize(): never {
    throw new BlockError('UNSUPPORTED', 'an NBD client cannot change the size of the export');
  }

  async disconnect({ force }: DisconnectOptions): Promise<void> {
    if (force === true) this.#channel.destroy();
    else await this.#channel.close();
  }

  /**
   * `discard` and `writeZeroes`. TRIM would leave the contents undefined, and without leave to punch holes a server would have to
   * write the zeroes; zeroes with that leave are what is meant by both [Z1, Z2].
   */
  zero = async (start: number, count: number): Promise<void> => {
    const endBytes = (start + count) * this.sectorSize;
    for (let at = start * this.sectorSize; at < endBytes; at += this.#rangeBytes) {
      await this.#channel.run(new Job(Command.WRITE_ZEROES, 0, at, Math.min(this.#rangeBytes, endBytes - at)));
    }
  };

  /** `extents`. */
  runs = async (start: number, count: number): Promise<Extent[]> => {
    const { sectorSize } = this;
    const runs: { lengthBytes: number; zero: boolean }[] = [];
    const endBytes = (start + count) * sectorSize;
    for (let at = start * sectorSize; at < endBytes; ) {
      const askBytes = Math.min(this.#rangeBytes, endBytes - at);
      const { statuses } = await this.#channel.run(new Job(Command.BLOCK_STATUS, 0, at, askBytes));
      if (statuses.length === 0) throw new BlockError('IO', 'the server answers a status without extents');
      for (const { lengthBytes, status } of statuses) {
        const takeBytes = Math.min(lengthBytes, endBytes - at);
        if (takeBytes > 0) runs.push({ lengthBytes: takeBytes, zero: (status & ALLOCATION_ZERO) !== 0 });
        at += takeBytes;
      }
    }
    return alignExtents(runs, start, sectorSize);
  };

  /** All pieces at once. Settles when the last has: until then the buffers are in use. */
  async #transfer(command: number, start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    const offsetBytes = start * this.sectorSize;
    if (lengthBytes <= this.#pieceBytes) {
      await this.#channel.run(new Job(command, 0, offsetBytes, lengthBytes, buffers));
      return;
    }
    const jobs: Job[] = [];
    for (let at = 0; at < lengthBytes; at += this.#pieceBytes) {
      const pieceBytes = Math.min(this.#pieceBytes, lengthBytes - at);
      jobs.push(new Job(command, 0, offsetBytes + at, pieceBytes, sliceBuffers(buffers, at, pieceBytes)));
    }
    await this.#runAll(jobs);
  }

  async #runAll(jobs: readonly Job[]): Promise<void> {
    const outcomes = await Promise.allSettled(jobs.map((job) => this.#channel.run(job)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

function wholeSectors(lengthBytes: number, sectorSize: number): number {
  return lengthBytes - (lengthBytes % sectorSize);
}
