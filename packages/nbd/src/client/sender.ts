import type { Wire } from '../wire/wire.js';

/** Something to send, and who wants to know that it is sent. */
interface Item {
  bytes: Uint8Array;
  readonly sent: (() => void) | undefined;
}

/** Messages on their way out: all of one turn of the event loop leave in one write, in batches that the wire can take. */
export class Sender {
  readonly #wire: Wire;
  #queue: Item[] = [];
  #scheduled = false;
  #writing = false;
  /** Bytes that the system has taken, ever. */
  sentBytes = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Sends the buffers one behind the other. Calls `sent` when the last byte has left and nothing refers to them any more. */
  push(buffers: readonly Uint8Array[], sent: () => void): void {
    for (const [index, bytes] of buffers.entries()) {
      this.#queue.push({ bytes, sent: index === buffers.length - 1 ? sent : undefined });
    }
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
    const done: (() => void)[] = [];
    let roomBytes = this.#wire.batchBytesMax;
    let taken = 0;
    for (const item of this.#queue) {
      if (roomBytes === 0) break;
      const part = item.bytes.subarray(0, roomBytes);
      batch.push(part);
      roomBytes -= part.byteLength;
      if (part.byteLength < item.bytes.byteLength) {
        item.bytes = item.bytes.subarray(part.byteLength);
        break;
      }
      if (item.sent !== undefined) done.push(item.sent);
      taken++;
    }
    this.#queue.splice(0, taken);
    this.#writing = true;
    this.#wire.write(batch, () => {
      this.#writing = false;
      this.sentBytes += this.#wire.batchBytesMax - roomBytes;
      for (const sent of done) sent();
      this.#flush();
    });
  }
}
