import type { Wire } from '../wire/wire.js';

/** A request on its way out. */
export interface Outgoing {
  /** Sent one behind the other. */
  readonly buffers: readonly Uint8Array[];
  /** Whether the buffers are what they were. */
  isWhole(): boolean;
  /** The last byte has left, and nothing refers to the buffers. */
  sent(): void;
  /** Nothing of it was sent, nor will be: it is no longer whole. */
  notSent(): void;
}

/** The request that is being sent. */
interface Current {
  readonly outgoing: Outgoing;
  /** Its buffers, and how long they were. */
  readonly parts: readonly { readonly buffer: Uint8Array; readonly byteLength: number }[];
  /** The part that is next, and how much of it has been taken. */
  index: number;
  at: number;
}

/** Messages on their way out: all of one turn of the event loop leave in one write, in batches that the wire can take. */
export class Sender {
  readonly #wire: Wire;
  #queue: Current[] = [];
  #scheduled = false;
  #writing = false;
  /** Bytes that the system has taken, ever. */
  sentBytes = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  push(outgoing: Outgoing): void {
    const parts = outgoing.buffers.map((buffer) => ({ buffer, byteLength: buffer.byteLength }));
    this.#queue.push({ outgoing, parts, index: 0, at: 0 });
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#writing || this.#queue.length === 0 || this.#wire.closed) return;
    const batch: Uint8Array[] = [];
    const sent: Outgoing[] = [];
    const notSent: Outgoing[] = [];
    let roomBytes = this.#wire.batchBytesMax;
    let taken = 0;
    for (const current of this.#queue) {
      const { outgoing } = current;
      const hasBegun = current.index > 0 || current.at > 0;
      if (!hasBegun && !outgoing.isWhole()) {
        notSent.push(outgoing);
      } else {
        if (roomBytes === 0) break;
        roomBytes = takeInto(batch, current, roomBytes);
        if (current.index < current.parts.length) break;
        sent.push(outgoing);
      }
      taken++;
    }
    this.#queue.splice(0, taken);
    if (batch.length > 0) this.#write(batch, this.#wire.batchBytesMax - roomBytes, sent);
    for (const outgoing of notSent) outgoing.notSent();
  }

  #write(batch: readonly Uint8Array[], byteLength: number, sent: readonly Outgoing[]): void {
    this.#writing = true;
    this.#wire.write(batch, () => {
      this.#writing = false;
      this.sentBytes += byteLength;
      for (const outgoing of sent) outgoing.sent();
      this.#flush();
    });
  }
}

/** Takes as much of a request as there is room for. The room that is left. */
function takeInto(batch: Uint8Array[], current: Current, roomBytes: number): number {
  let left = roomBytes;
  for (const part of current.parts.slice(current.index)) {
    const take = Math.min(left, part.byteLength - current.at);
    batch.push(bytesOf(part.buffer, current.at, take));
    left -= take;
    current.at += take;
    if (current.at < part.byteLength) break;
    current.index++;
    current.at = 0;
  }
  return left;
}

/**
 * A part of a buffer. Where its owner has taken the memory away with the request half sent, as many zeroes as the server was promised: the
 * requests of others follow, and must be found where they begin.
 */
function bytesOf(buffer: Uint8Array, from: number, byteLength: number): Uint8Array {
  return buffer.byteLength >= from + byteLength ? buffer.subarray(from, from + byteLength) : new Uint8Array(byteLength);
}
