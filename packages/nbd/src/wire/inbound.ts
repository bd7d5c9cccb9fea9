import { allocateBytes, sliceOf, viewOf } from './bytes.js';

/** Bytes that one read of the socket may bring: a depth of 32 requests of 4 KiB with their headers, and more. */
const STAGING_BYTES = 256 * 1024;
/** What is left of a payload is read from the socket straight into its place from this length on. */
const DIRECT_BYTES_MIN = 16 * 1024;
/** Room for the beginning of a message whose rest is not there yet. More than any header. */
const STASH_BYTES = 64;

/** Takes messages apart. */
export interface Parser {
  /**
   * Takes one message, or its fixed part, from the window [`inbound.at`, `inbound.end`) of `inbound.bytes` and moves `at`.
   * False, with `at` left alone, where it needs more bytes than there are; it may ask for at most 64.
   */
  parse(inbound: Inbound): boolean;
  /** What `inbound.readInto` was given is full. */
  filled(): void;
  /** A run of messages begins: the bytes of one read, or what waited for `resume`. */
  begin?(): void;
}

/** Takes whatever comes. */
export const DISCARD: Parser = {
  parse(inbound) {
    inbound.at = inbound.end;
    return false;
  },
  filled() {},
};

/**
 * What arrives on a connection, taken apart as it comes: headers are parsed where they lie, payloads are copied once, into the
 * place where they belong, or read from the socket straight into it. Nothing is concatenated, nothing grows.
 */
export class Inbound {
  /** The window: what has arrived and was not taken yet. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  end = 0;
  /** All bytes that ever arrived. */
  receivedBytes = 0;

  #parser: Parser;
  #destination: Uint8Array | undefined;
  #destinationBytes = 0;
  #destinationAt = 0;
  #skipBytes = 0;
  #held = false;
  #running = false;
  readonly #stash = new Uint8Array(STASH_BYTES);
  readonly #stashView = viewOf(this.#stash);
  #stashBytes = 0;
  #staging: Uint8Array | undefined;
  #stagingView: DataView | undefined;
  #direct: Uint8Array | undefined;

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  get availableBytes(): number {
    return this.end - this.at;
  }

  /** Whether a part of a message has come and the rest is on its way. */
  get midMessage(): boolean {
    return this.#destination !== undefined || this.#skipBytes > 0 || this.#stashBytes > 0;
  }

  /** Bytes that are dropped before the next message. */
  get skipBytes(): number {
    return this.#skipBytes;
  }

  /** A copy of what has arrived and was not taken: the part of a payload that is on its way, and what came behind. */
  unread(): Uint8Array {
    const payload = this.#destination?.subarray(0, this.#destinationAt) ?? new Uint8Array(0);
    const stash = this.#stash.subarray(0, this.#stashBytes);
    return new Uint8Array(Buffer.concat([payload, stash, this.bytes.subarray(this.at, this.end)]));
  }

  /** Begins where another one was: what that one had not taken waits for `resume`. Before anything arrives. */
  preload(unread: Uint8Array, skipBytes: number): void {
    this.#held = true;
    this.#skipBytes = skipBytes;
    this.receivedBytes = unread.byteLength;
    this.#open(unread, viewOf(unread), 0, unread.byteLength);
  }

  /** Who takes the next message apart. */
  use(parser: Parser): void {
    this.#parser = parser;
  }

  /** The next bytes belong into `destination`; the parser hears of it when that is full. */
  readInto(destination: Uint8Array): void {
    this.#destination = destination;
    this.#destinationBytes = destination.byteLength;
    this.#destinationAt = 0;
  }

  /** Drops the next bytes. */
  skip(lengthBytes: number): void {
    this.#skipBytes += lengthBytes;
  }

  /** Takes no further message until `resume`. What has arrived stays. */
  hold(): void {
    this.#held = true;
  }

  /** Ends `hold`. Whether there may be more: false if it was held again. */
  resume(): boolean {
    this.#held = false;
    return this.#running || this.#run();
  }

  /** Forgets what has arrived and was not taken. */
  drop(): void {
    this.at = this.end;
    this.#stashBytes = 0;
  }

  /**
   * Bytes [`from`, `to`) of `bytes` have arrived. Whether there may be more. If so, the bytes are the caller's again; if not,
   * only after a `resume` that said so.
   */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): boolean {
    this.receivedBytes += to - from;
    if (this.#held) return this.#keep(bytes, view, from, to);
    let start = from;
    if (this.#stashBytes > 0) {
      const taken = this.#runStash(bytes, from, to);
      if (taken === 0) return this.#held ? this.#keep(bytes, view, from, to) : true;
      start = from + taken;
    }
    this.#open(bytes, view, start, to);
    return this.#held ? false : this.#run();
  }

  /** Where the next read of the socket should put its bytes. */
  landing(): Uint8Array {
    const destination = this.#presentDestination();
    if (destination !== undefined && destination.byteLength - this.#destinationAt >= DIRECT_BYTES_MIN) {
      this.#direct = destination.subarray(this.#destinationAt);
      return this.#direct;
    }
    this.#direct = undefined;
    this.#staging ??= allocateBytes(STAGING_BYTES);
    return this.#staging;
  }

  /** `lengthBytes` bytes were put where `landing` said. Whether there may be more. */
  landed(lengthBytes: number, buffer: Uint8Array): boolean {
    if (buffer !== this.#direct) {
      this.#stagingView ??= viewOf(buffer);
      return this.receive(buffer, this.#stagingView, 0, lengthBytes);
    }
    this.receivedBytes += lengthBytes;
    this.#destinationAt += lengthBytes;
    this.#parser.begin?.();
    this.#finishDestination();
    return !this.#held;
  }

  /**
   * The beginning of a message is in the stash: tops it up and goes on from there. How many bytes of the chunk were taken;
   * 0 if the message is still not complete, and then all of them are in the stash, or if it has to wait, and then the stash is as it
   * was.
   */
  #runStash(bytes: Uint8Array, from: number, to: number): number {
    const stashed = this.#stashBytes;
    const topUp = Math.min(STASH_BYTES - stashed, to - from);
    this.#stash.set(bytes.subarray(from, from + topUp), stashed);
    this.#open(this.#stash, this.#stashView, 0, stashed + topUp);
    this.#take();
    if (this.at === 0) {
      if (!this.#held) {
        this.#stashBytes = stashed + topUp;
        this.at = this.end;
      }
      return 0;
    }
    this.#stashBytes = 0;
    return this.at - stashed;
  }

  /** Arrived although held: a read was under way already. */
  #keep(bytes: Uint8Array, view: DataView, from: number, to: number): false {
    if (this.#stashBytes === 0) {
      this.#open(bytes, view, from, to);
      return false;
    }
    const joined = Buffer.concat([this.#stash.subarray(0, this.#stashBytes), bytes.subarray(from, to)]);
    this.#stashBytes = 0;
    this.#open(joined, viewOf(joined), 0, joined.byteLength);
    return false;
  }

  #open(bytes: Uint8Array, view: DataView, at: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
    this.end = end;
  }

  /** Takes what can be taken, and puts the beginning of what is not complete aside. */
  #run(): boolean {
    this.#take();
    if (this.#held) return false;
    const left = this.end - this.at;
    if (left > 0) {
      if (left >= STASH_BYTES) throw new Error(`a parser left ${left} bytes, more than any header has`);
      this.#stash.set(this.bytes.subarray(this.at, this.end));
      this.#stashBytes = left;
      this.at = this.end;
    }
    return true;
  }

  #take(): void {
    this.#running = true;
    this.#parser.begin?.();
    try {
      while (!this.#held && this.#step());
    } finally {
      this.#running = false;
    }
  }

  #step(): boolean {
    const destination = this.#presentDestination();
    if (destination !== undefined) return this.#fill(destination);
    if (this.#skipBytes > 0) return this.#skipSome();
    return this.#parser.parse(this);
  }

  #fill(destination: Uint8Array): boolean {
    const take = Math.min(this.end - this.at, destination.byteLength - this.#destinationAt);
    destination.set(sliceOf(this.bytes, this.at, this.at + take), this.#destinationAt);
    this.at += take;
    this.#destinationAt += take;
    return this.#finishDestination();
  }

  /** Where the payload goes: to no place of anyone's, once its owner has taken the memory away. What comes behind it must be found. */
  #presentDestination(): Uint8Array | undefined {
    const destination = this.#destination;
    if (destination === undefined || destination.byteLength >= this.#destinationBytes) return destination;
    this.#destination = new Uint8Array(this.#destinationBytes);
    return this.#destination;
  }

  #finishDestination(): boolean {
    if (this.#destination !== undefined && this.#destinationAt < this.#destinationBytes) return false;
    this.#destination = undefined;
    this.#parser.filled();
    return true;
  }

  #skipSome(): boolean {
    const take = Math.min(this.end - this.at, this.#skipBytes);
    this.at += take;
    this.#skipBytes -= take;
    return this.#skipBytes === 0;
  }
}
