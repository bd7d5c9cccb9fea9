import type { Inbound, Parser } from '../wire/inbound.js';
import type { Wire } from '../wire/wire.js';

/** Bytes on request, for the handshake: the caller waits for them. */
export class MessageReader implements Parser {
  readonly #inbound: Inbound;
  #wire: Wire | undefined;
  #wanted: { readonly bytes: Uint8Array; readonly resolve: (bytes: Uint8Array) => void } | undefined;
  #reject: ((error: Error) => void) | undefined;
  #failure: Error | undefined;

  constructor(inbound: Inbound) {
    this.#inbound = inbound;
  }

  /** Reads from this wire from now on. */
  attach(wire: Wire): void {
    this.#wire = wire;
  }

  /** The next `lengthBytes` bytes. Rejects when there will be no more. */
  read(lengthBytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#wanted = { bytes: new Uint8Array(lengthBytes), resolve };
      this.#reject = reject;
      this.#inbound.readInto(this.#wanted.bytes);
      this.#wire?.resume();
    });
  }

  /** There will be no more. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#reject?.(this.#failure);
    this.#reject = undefined;
  }

  /** Nothing is taken before someone asks for it. */
  parse(inbound: Inbound): boolean {
    inbound.hold();
    return false;
  }

  filled(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    this.#reject = undefined;
    wanted?.resolve(wanted.bytes);
  }
}
