import { type BlockDriver, BlockError, type DisconnectOptions, type Extent } from '@blockyard/block';
import { forEachParallel, Semaphore } from '@blockyard/block/async';
import type { Channel } from './channel.js';
import type { DeviceCall, DeviceFacts, Result } from './messages.js';

/** Bytes that one message carries, at most, or one sector. */
const MESSAGE_BYTES_MAX = 4 << 20;
/** Messages with data of one device that are on their way at once: what they carry is a copy. The others wait. */
const MESSAGES_MAX = 4;

/** A piece of a transfer: sectors, and the bytes of the caller's buffers that they are, as views. */
interface Piece {
  readonly start: number;
  readonly count: number;
  readonly views: readonly Uint8Array[];
}

/** Sectors in a file that a worker has open. The memory of messages is transferred; a caller's own is copied, once. */
export class RemoteDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes = 1 << 20;
  /** The worker carries out one message at a time, whole sectors each. */
  readonly atomicSectors = true;
  readonly #channel: Channel;
  readonly #device: number;
  readonly #transfers = new Semaphore(MESSAGES_MAX);
  #isGivenUp = false;

  constructor(channel: Channel, { device, name, sectorSize, sizeSectors, readOnly }: DeviceFacts) {
    this.#channel = channel;
    this.#device = device;
    this.name = name;
    this.sectorSize = sectorSize;
    this.sizeSectors = sizeSectors;
    this.readOnly = readOnly;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#inPieces(start, buffers, async ({ start: from, count, views }) => {
      const bytes = new Uint8Array((await this.#call({ kind: 'read', start: from, count })) as ArrayBuffer);
      let at = 0;
      for (const view of views) {
        view.set(bytes.subarray(at, at + view.byteLength));
        at += view.byteLength;
      }
    });
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#inPieces(start, buffers, async ({ start: from, count, views }) => {
      const bytes = new Uint8Array(count * this.sectorSize);
      let at = 0;
      for (const view of views) {
        bytes.set(view, at);
        at += view.byteLength;
      }
      await this.#call({ kind: 'write', start: from, bytes: bytes.buffer }, [bytes.buffer]);
    });
  }

  async discard(start: number, count: number): Promise<void> {
    await this.#call({ kind: 'discard', start, count });
  }

  async writeZeroes(start: number, count: number): Promise<void> {
    await this.#call({ kind: 'writeZeroes', start, count });
  }

  async extents(start: number, count: number): Promise<Extent[]> {
    return (await this.#call({ kind: 'extents', start, count })) as Extent[];
  }

  async resize(sizeSectors: number): Promise<void> {
    await this.#call({ kind: 'resize', sizeSectors });
  }

  async flush(): Promise<void> {
    await this.#call({ kind: 'flush' });
  }

  /** By force it waits for no answer: what is on its way is carried out before the worker lets go of the file. */
  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    const ended = this.#call({ kind: 'disconnect' });
    if (!force) {
      await ended;
      return;
    }
    ended.catch(() => undefined);
    this.#isGivenUp = true;
    this.#transfers.rejectWaiting(givenUp);
    this.#channel.abandon(this.#device, givenUp);
  }

  #call(operation: DeviceCall, transfer: ArrayBuffer[] = []): Promise<Result> {
    if (this.#isGivenUp) return Promise.reject(givenUp());
    return this.#channel.call({ kind: 'device', device: this.#device, operation }, transfer);
  }

  #inPieces(start: number, buffers: readonly Uint8Array[], run: (piece: Piece) => Promise<void>): Promise<void> {
    return forEachParallel(pieces(start, buffers, this.sectorSize), { maxConcurrency: MESSAGES_MAX }, (piece) =>
      this.#transfers.run(() => run(piece)),
    );
  }
}

function givenUp(): BlockError {
  return new BlockError('DISCONNECTED', 'the device was disconnected by force');
}

/** Runs of sectors of a message each, at most. */
function* pieces(start: number, buffers: readonly Uint8Array[], sectorSize: number): Generator<Piece> {
  const maxBytes = Math.max(sectorSize, MESSAGE_BYTES_MAX);
  let views: Uint8Array[] = [];
  let bytes = 0;
  let at = start;
  for (const buffer of buffers) {
    for (let from = 0; from < buffer.byteLength; ) {
      const view = buffer.subarray(from, from + maxBytes - bytes);
      views.push(view);
      bytes += view.byteLength;
      from += view.byteLength;
      if (bytes < maxBytes) continue;
      yield { start: at, count: bytes / sectorSize, views };
      at += bytes / sectorSize;
      [views, bytes] = [[], 0];
    }
  }
  if (bytes > 0) yield { start: at, count: bytes / sectorSize, views };
}
