import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { viewOf } from './bytes.js';
import type { Inbound } from './inbound.js';

/** Written in one go at most, in bytes. What a slow reader takes shows up as progress in steps of this. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** The same for TLS, which keeps an encrypted copy of what it was given. */
const TLS_BATCH_BYTES_MAX = 256 * 1024;

export interface WireEvents {
  /** The other side will send no more. */
  ended(): void;
  /** It is over. Called once. */
  closed(error: Error | undefined): void;
}

/** How a socket must be made for its reads to land where `inbound` wants them. */
export function onreadInto(inbound: Inbound): OnReadOpts {
  return {
    buffer: () => inbound.landing(),
    callback: (lengthBytes, buffer) => inbound.landed(lengthBytes, buffer),
  };
}

interface Handled {
  _handle?: unknown;
}

/**
 * The same connection as a socket whose reads land where `inbound` wants them, or `undefined` where the platform has no such
 * thing. `accepted` must come from a server with `pauseOnConnect`, and is of no use afterwards.
 *
 * Node offers `onread` to sockets that connect but not to those that are accepted. The way there is through the socket's own
 * handle, which is no public interface; hence the check, and the way out.
 */
function adopt(accepted: Socket, inbound: Inbound): Socket | undefined {
  const handle = handleOf(accepted);
  if (handle === undefined) return undefined;
  (accepted as unknown as Handled)._handle = null;
  accepted.destroy();
  return socketOver(handle, inbound);
}

/** What a socket is to the system. No public interface either, but for being sent to another process and received from one. */
export interface Handle {
  readonly useUserBuffer: unknown;
  readonly fd: number;
  close(): void;
}

/** The handle of a socket; `undefined` where the platform has no such thing, or the socket is closed. */
export function handleOf(socket: unknown): Handle | undefined {
  const handle = (socket as Handled)._handle;
  return isHandle(handle) ? handle : undefined;
}

export function isHandle(value: unknown): value is Handle {
  return typeof (value as Partial<Handle> | null | undefined)?.useUserBuffer === 'function';
}

/** A socket over a handle that no one reads from. It begins to read at once. */
function socketOver(handle: Handle, inbound: Inbound): Socket {
  const options = { handle, allowHalfOpen: true, onread: onreadInto(inbound) };
  return new Socket(options as SocketConstructorOpts);
}

/** A connected stream: what arrives goes to an {@link Inbound}, what leaves goes in batches. */
export class Wire {
  /** Hand `write` no more than this at once. */
  readonly batchBytesMax: number;
  readonly #stream: Duplex;
  readonly #inbound: Inbound;
  readonly #isDirect: boolean;
  #events: WireEvents | undefined;
  #ended = false;
  #closed = false;
  #error: Error | undefined;

  /** `direct` streams bring their bytes to `inbound` by themselves, see {@link adopt}. */
  constructor(stream: Duplex, inbound: Inbound, kind: { readonly direct: boolean; readonly tls: boolean }) {
    this.#stream = stream;
    this.#inbound = inbound;
    this.#isDirect = kind.direct;
    this.batchBytesMax = kind.tls ? TLS_BATCH_BYTES_MAX : BATCH_BYTES_MAX;
    stream.on('error', (error: Error) => {
      this.#error ??= error;
    });
    stream.once('end', () => {
      this.#ended = true;
      this.#events?.ended();
    });
    stream.once('close', () => {
      this.#closed = true;
      this.#events?.closed(this.#error);
    });
    if (!kind.direct) stream.on('data', this.#onData);
  }

  /** Over what a server has accepted, or over a handle that another process has sent. */
  static over(source: Socket | Handle, inbound: Inbound): Wire {
    if (isHandle(source)) return new Wire(socketOver(source, inbound), inbound, { direct: true, tls: false });
    const adopted = adopt(source, inbound);
    return new Wire(adopted ?? source, inbound, { direct: adopted !== undefined, tls: false });
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (!this.#inbound.receive(chunk, viewOf(chunk), 0, chunk.byteLength)) this.#stream.pause();
  };

  get stream(): Duplex {
    return this.#stream;
  }

  /** Starts to read. */
  start(events: WireEvents): void {
    this.#events = events;
    if (this.#closed) events.closed(this.#error);
    else if (this.#ended) events.ended();
    else this.#stream.resume();
  }

  /** No further event reaches the one who started it. */
  detach(): void {
    this.#events = undefined;
  }

  /** Stops to take messages, and to read. */
  hold(): void {
    this.#inbound.hold();
  }

  /** The same at once: nothing more is read from the system. */
  pause(): void {
    this.hold();
    this.#stream.pause();
  }

  /** Ends `hold`: first what has arrived, then what comes. */
  resume(): void {
    if (this.#closed) return;
    if (this.#inbound.resume()) this.#stream.resume();
    else this.#stream.pause();
  }

  /** Whether the system has taken everything that was written. */
  get isDrained(): boolean {
    return this.#stream.writableLength === 0;
  }

  /** What another process needs to go on with the connection; `undefined` where only this one can. */
  get handle(): Handle | undefined {
    return this.#isDirect ? handleOf(this.#stream) : undefined;
  }

  /** Leaves the stream, which was paused, to another reader, with what it has read and not given. */
  leave(): Duplex {
    this.detach();
    this.#stream.off('data', this.#onData);
    return this.#stream;
  }

  /**
   * Sends all of `buffers` in one piece; leave them alone until `sent` is called. If they cannot be sent, it never is: the connection
   * is over, and `closed` follows. So nothing is gone on with for a client that has hung up.
   */
  write(buffers: readonly Uint8Array[], sent: () => void): void {
    const stream = this.#stream;
    const last = buffers.length - 1;
    const written = (error?: Error | null) => {
      if (error === undefined || error === null) sent();
    };
    if (last === 0) {
      stream.write(buffers[0], written);
      return;
    }
    stream.cork();
    for (let i = 0; i < last; i++) stream.write(buffers[i]);
    stream.write(buffers[last], written);
    stream.uncork();
  }

  /** Sends no more, and says so to the other side after what was written. */
  end(): void {
    this.#stream.end();
  }

  get ended(): boolean {
    return this.#ended;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends it at once. */
  destroy(error?: Error): void {
    this.#stream.destroy(error);
  }
}
