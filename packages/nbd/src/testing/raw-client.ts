import { connect, type Socket } from 'node:net';
import { ByteWriter, readU64, viewOf } from '../wire/bytes.js';
import {
  CHUNK_FLAG_DONE,
  Chunk,
  EXTENDED_REPLY_MAGIC,
  EXTENDED_REQUEST_MAGIC,
  GREETING_BYTES,
  IHAVEOPT,
  OPTION_ERROR_MIN,
  OPTION_REPLY_HEADER_BYTES,
  Option,
  OptionReply,
  REQUEST_MAGIC,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from '../wire/protocol.js';

/** One reply to an option, as it came. */
export interface RawOptionReply {
  readonly option: number;
  readonly type: number;
  readonly data: Buffer;
}

export interface RawRequest {
  readonly command: number;
  readonly flags?: number;
  readonly cookie?: number;
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
  readonly payload?: Uint8Array;
  readonly magic?: number;
}

/** One message of the server in the transmission phase: a simple reply, or a chunk. */
export interface RawReply {
  readonly kind: 'simple' | 'chunk';
  readonly cookie: number;
  readonly errno: number;
  readonly type: number;
  readonly done: boolean;
  readonly payload: Buffer;
}

export interface GoOptions {
  readonly name?: string;
  readonly mode?: 'simple' | 'structured' | 'extended';
  readonly contexts?: readonly string[];
}

/** A client that says exactly what it is told to, right or wrong. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  mode: 'simple' | 'structured' | 'extended' = 'simple';
  size = 0;
  flags = 0;
  contextIds: Record<string, number> = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  #over = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.byteLength;
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      const over = () => {
        this.#over = true;
        this.#wake();
        resolve();
      };
      socket.on('end', over);
      socket.on('close', over);
      socket.on('error', over);
    });
  }

  static async connect(address: { path: string } | { host: string; port: number }): Promise<RawClient> {
    const socket = connect({ ...address, allowHalfOpen: true });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Connected, and in the transmission phase. */
  static async open(
    address: { path: string } | { host: string; port: number },
    options: GoOptions = {},
  ): Promise<RawClient> {
    const client = await RawClient.connect(address);
    await client.greet();
    await client.go(options);
    return client;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next `count` bytes. Rejects if the server hangs up before. */
  async read(count: number): Promise<Buffer> {
    while (this.#bytes < count) {
      if (this.#over) throw new Error(`the server hung up after ${this.#bytes} of ${count} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = all.byteLength > count ? [all.subarray(count)] : [];
    this.#bytes -= count;
    return all.subarray(0, count);
  }

  /** Bytes that have come and were not read. */
  get unreadBytes(): number {
    return this.#bytes;
  }

  async greet(flags = 3): Promise<Buffer> {
    const greeting = await this.read(GREETING_BYTES);
    this.send(new ByteWriter().u32(flags).finish());
    return greeting;
  }

  sendOption(option: number, data: Uint8Array = new Uint8Array(0)): void {
    this.send(new ByteWriter().magic(IHAVEOPT).u32(option).u32(data.byteLength).bytes(data).finish());
  }

  async readOptionReply(): Promise<RawOptionReply> {
    const header = viewOf(await this.read(OPTION_REPLY_HEADER_BYTES));
    if (header.getUint32(0) !== 0x0003e889 || header.getUint32(4) !== 0x045565a9) throw new Error('option reply magic');
    const data = await this.read(header.getUint32(16));
    return { option: header.getUint32(8), type: header.getUint32(12), data };
  }

  /** Sends an option and reads all of its replies. */
  async option(option: number, data?: Uint8Array): Promise<RawOptionReply[]> {
    this.sendOption(option, data);
    const replies: RawOptionReply[] = [];
    for (;;) {
      const reply = await this.readOptionReply();
      replies.push(reply);
      if (reply.type === OptionReply.ACK || reply.type >= OPTION_ERROR_MIN) return replies;
    }
  }

  async go({ name = '', mode = 'structured', contexts = [] }: GoOptions): Promise<void> {
    if (mode === 'structured') await this.option(Option.STRUCTURED_REPLY);
    if (mode === 'extended') await this.option(Option.EXTENDED_HEADERS);
    this.mode = mode;
    if (contexts.length > 0) {
      for (const { type, data } of await this.option(Option.SET_META_CONTEXT, contextData(name, contexts))) {
        if (type === OptionReply.META_CONTEXT) this.contextIds[data.toString('utf8', 4)] = data.readUInt32BE(0);
      }
    }
    for (const { type, data } of await this.option(Option.GO, infoData(name, []))) {
      if (type >= OPTION_ERROR_MIN) throw new Error(`GO failed with ${type.toString(16)}`);
      if (type === OptionReply.INFO && data.readUInt16BE(0) === 0) {
        this.size = Number(data.readBigUInt64BE(2));
        this.flags = data.readUInt16BE(10);
      }
    }
  }

  sendRequest({ command, flags = 0, cookie = 1, offset = 0, length, payload, magic }: RawRequest): void {
    const extended = this.mode === 'extended';
    const bytes = Buffer.alloc(extended ? 32 : 28);
    bytes.writeUInt32BE(magic ?? (extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC), 0);
    bytes.writeUInt16BE(flags, 4);
    bytes.writeUInt16BE(command, 6);
    bytes.writeBigUInt64BE(BigInt(cookie), 8);
    bytes.writeBigUInt64BE(BigInt(offset), 16);
    const size = BigInt(length ?? payload?.byteLength ?? 0);
    if (extended) bytes.writeBigUInt64BE(size, 24);
    else bytes.writeUInt32BE(Number(size), 24);
    this.send(bytes);
    if (payload !== undefined) this.send(payload);
  }

  /** The next simple reply, with `dataBytes` of data if it is a success, or the next chunk. */
  async readReply(dataBytes = 0): Promise<RawReply> {
    const magic = (await this.read(4)).readUInt32BE(0);
    if (magic === SIMPLE_REPLY_MAGIC) {
      const rest = await this.read(12);
      const errno = rest.readUInt32BE(0);
      const payload = await this.read(errno === 0 ? dataBytes : 0);
      return { kind: 'simple', cookie: Number(rest.readBigUInt64BE(4)), errno, type: -1, done: true, payload };
    }
    const extended = magic === EXTENDED_REPLY_MAGIC;
    if (!extended && magic !== STRUCTURED_REPLY_MAGIC) throw new Error(`reply magic ${magic.toString(16)}`);
    const rest = await this.read(extended ? 28 : 16);
    const lengthBytes = extended ? (readU64(viewOf(rest), 20) ?? 0) : rest.readUInt32BE(12);
    const payload = await this.read(lengthBytes);
    const type = rest.readUInt16BE(2);
    const errno = (type & 0x8000) !== 0 ? payload.readUInt32BE(0) : 0;
    const done = (rest.readUInt16BE(0) & CHUNK_FLAG_DONE) !== 0;
    return { kind: 'chunk', cookie: Number(rest.readBigUInt64BE(4)), errno, type, done, payload };
  }

  /** Sends a request and reads its whole reply, with nothing else in flight. The first error, or 0. */
  async request(request: RawRequest): Promise<number> {
    this.sendRequest(request);
    for (;;) {
      const reply = await this.readReply();
      if (reply.done) return reply.errno;
    }
  }

  /** Reads by the protocol: the data, or the errno. */
  async readData(offset: number, length: number, flags = 0): Promise<Buffer | number> {
    this.sendRequest({ command: 0, offset, length, flags });
    if (this.mode === 'simple') {
      const reply = await this.readReply(length);
      return reply.errno === 0 ? reply.payload : reply.errno;
    }
    const data = Buffer.alloc(length, 0xee);
    for (;;) {
      const { type, payload, errno, done } = await this.readReply();
      if (errno !== 0) return errno;
      if (type === Chunk.OFFSET_DATA) payload.copy(data, Number(payload.readBigUInt64BE(0)) - offset, 8);
      if (type === Chunk.OFFSET_HOLE) {
        const at = Number(payload.readBigUInt64BE(0)) - offset;
        data.fill(0, at, at + payload.readUInt32BE(8));
      }
      if (done) return data;
    }
  }

  /** Extents of one context: [length, status] pairs. */
  async blockStatus(context: string, offset: number, length: number, flags = 0): Promise<[number, number][]> {
    this.sendRequest({ command: 7, offset, length, flags });
    const found: [number, number][] = [];
    for (;;) {
      const { type, payload, errno, done } = await this.readReply();
      if (errno !== 0) throw new Error(`errno ${errno}`);
      const wide = type === Chunk.BLOCK_STATUS_EXT;
      if (payload.byteLength > 0 && payload.readUInt32BE(0) === this.contextIds[context]) {
        for (let at = wide ? 8 : 4; at < payload.byteLength; at += wide ? 16 : 8) {
          if (wide) found.push([Number(payload.readBigUInt64BE(at)), Number(payload.readBigUInt64BE(at + 8))]);
          else found.push([payload.readUInt32BE(at), payload.readUInt32BE(at + 4)]);
        }
      }
      if (done) return found;
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

export function infoData(name: string, types: readonly number[]): Uint8Array {
  const writer = new ByteWriter().text(name).u16(types.length);
  for (const type of types) writer.u16(type);
  return writer.finish();
}

export function contextData(name: string, queries: readonly string[]): Uint8Array {
  const writer = new ByteWriter().text(name).u32(queries.length);
  for (const query of queries) writer.text(query);
  return writer.finish();
}
