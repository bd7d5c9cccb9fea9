import type { Socket } from 'node:net';

/** Bytes that one read brings at most: as many as Node has room for by itself. */
const READ_BYTES = 64 << 10;

/** How a socket reads, as it can be told when it is made. */
interface Reading {
  /** Where the next read goes. */
  readonly buffer: () => Uint8Array;
  /** There is a read of so many bytes. Returns whether the socket is to read on. */
  readonly callback: (lengthBytes: number) => boolean;
}

/**
 * What connections read. Each reads into memory of its own, again and again: Node would take other memory for every read, and
 * finding and collecting that is a good part of what a request costs.
 *
 * A read is handed on at once, and the pieces of a body in it are copied by those who take them. The parser may go on to refer to
 * anything else in it, such as the first half of a head: then the next read has other memory.
 */
export class Reads {
  /** Of the read that is being handed on, the last piece of a body. */
  #piece: Uint8Array | undefined;
  #isEnd = false;

  /** For a socket that is about to be made. */
  of(socket: () => Socket): Reading {
    let memory = Buffer.allocUnsafeSlow(READ_BYTES);
    return {
      buffer: () => memory,
      callback: (lengthBytes) => {
        const read = memory.subarray(0, lengthBytes);
        this.#handOn(socket(), read);
        if (!this.#isTaken(read)) memory = Buffer.allocUnsafeSlow(READ_BYTES);
        // What is left is asked for when there is need of it.
        return socket().readableLength === 0;
      },
    };
  }

  /** A piece of a body has been copied. */
  took(piece: Uint8Array): void {
    this.#piece = piece;
  }

  /** An answer has come to its end. */
  ended(): void {
    this.#isEnd = true;
  }

  #handOn(socket: Socket, read: Uint8Array): void {
    this.#piece = undefined;
    this.#isEnd = false;
    socket.push(read);
    // The stream would say so by itself later, when the memory may have been read into again.
    socket.emit('readable');
  }

  /** Whether a read ends with a piece of a body, or with the end of an answer, so that there is nothing left to refer to. */
  #isTaken(read: Uint8Array): boolean {
    if (this.#isEnd) return true;
    const piece = this.#piece;
    return piece !== undefined && piece.buffer === read.buffer && endOf(piece) === endOf(read);
  }
}

function endOf({ byteOffset, byteLength }: Uint8Array): number {
  return byteOffset + byteLength;
}
