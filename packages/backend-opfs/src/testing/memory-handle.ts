import type { SyncHandle } from '../file/handles.js';

/** An access handle on memory, which fails when it is told to. */
export class MemoryHandle implements SyncHandle {
  /** What a process finds. */
  bytes = new Uint8Array(0);
  /** What was there at the last flush. */
  durable = new Uint8Array(0);
  isClosed = false;
  flushes = 0;
  /** Length at which the medium is full. */
  maxBytes = Number.POSITIVE_INFINITY;
  /** Bytes that one call moves, at most. */
  callBytesMax = Number.POSITIVE_INFINITY;
  /** Called before each call; what it throws is what the call throws. */
  before: (call: keyof SyncHandle) => void = () => {};

  read(buffer: Uint8Array, { at }: { readonly at: number }): number {
    this.#begin('read');
    const found = this.bytes.subarray(at, Math.min(at + buffer.byteLength, at + this.callBytesMax));
    buffer.set(found);
    return found.byteLength;
  }

  write(buffer: Uint8Array, { at }: { readonly at: number }): number {
    this.#begin('write');
    const count = Math.min(buffer.byteLength, this.callBytesMax, this.maxBytes - at);
    if (count <= 0) throw domError('QuotaExceededError');
    if (at + count > this.bytes.byteLength) this.#setLength(at + count);
    this.bytes.set(buffer.subarray(0, count), at);
    return count;
  }

  truncate(sizeBytes: number): void {
    this.#begin('truncate');
    if (sizeBytes > this.maxBytes) throw domError('QuotaExceededError');
    this.#setLength(sizeBytes);
  }

  getSize(): number {
    return this.bytes.byteLength;
  }

  flush(): void {
    this.#begin('flush');
    this.flushes++;
    this.durable = this.bytes.slice();
  }

  close(): void {
    this.#begin('close');
    this.isClosed = true;
  }

  #begin(call: keyof SyncHandle): void {
    if (this.isClosed) throw domError('InvalidStateError');
    this.before(call);
  }

  #setLength(lengthBytes: number): void {
    const bytes = new Uint8Array(lengthBytes);
    bytes.set(this.bytes.subarray(0, lengthBytes));
    this.bytes = bytes;
  }
}

/** An exception as browsers have them. */
export function domError(name: string): Error {
  return new DOMException(`${name} on purpose`, name);
}
