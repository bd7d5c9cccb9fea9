/** A plain NBD client for benchmarks: simple replies, one request at a time, or bytes as they are told. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const READ = 0;
export const WRITE = 1;
export const BLOCK_STATUS = 7;

const GREETING_BYTES = 18;
const OPTION_REPLY_BYTES = 20;
const SIMPLE_REPLY_BYTES = 16;
export const OPTION_LIST = 3;
const OPTION_GO = 7;
const OPTION_STRUCTURED_REPLY = 8;
const OPTION_SET_META_CONTEXT = 10;
const REPLY_ACK = 1;
const REPLY_ERROR = 0x8000_0000;

export class BenchClient {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wake: () => void = () => {};
  #isOver = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.byteLength;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Connected, and greeted. */
  static async connect(path: string): Promise<BenchClient> {
    const socket = connect({ path });
    await once(socket, 'connect');
    const client = new BenchClient(socket);
    await client.#read(GREETING_BYTES);
    socket.write(Buffer.from([0, 0, 0, 3]));
    return client;
  }

  /** In the transmission phase. With `statuses` block statuses can be asked for. */
  static async open(path: string, { statuses = false } = {}): Promise<BenchClient> {
    const client = await BenchClient.connect(path);
    if (statuses) {
      await client.#option(OPTION_STRUCTURED_REPLY, Buffer.alloc(0));
      const context = Buffer.from('base:allocation');
      const head = Buffer.alloc(12);
      head.writeUInt32BE(1, 4);
      head.writeUInt32BE(context.byteLength, 8);
      await client.#option(OPTION_SET_META_CONTEXT, Buffer.concat([head, context]));
    }
    await client.#option(OPTION_GO, Buffer.alloc(6));
    return client;
  }

  /** A read, or a write of `payload`. Resolves when it is answered. */
  async request(command: typeof READ | typeof WRITE, offset: number, length: number, payload?: Buffer): Promise<void> {
    this.socket.write(requestHeader(command, offset, length));
    if (payload !== undefined) this.socket.write(payload);
    const reply = await this.#read(SIMPLE_REPLY_BYTES);
    if (reply.readUInt32BE(4) !== 0) throw new Error(`a request failed with ${reply.readUInt32BE(4)}`);
    if (command === READ) await this.#read(length);
  }

  async #option(option: number, data: Buffer): Promise<void> {
    this.socket.write(optionMessage(option, data));
    for (;;) {
      const head = await this.#read(OPTION_REPLY_BYTES);
      await this.#read(head.readUInt32BE(16));
      const type = head.readUInt32BE(12);
      if (type >= REPLY_ERROR) throw new Error(`option ${option} was refused`);
      if (type === REPLY_ACK) return;
    }
  }

  async #read(count: number): Promise<Buffer> {
    while (this.#bytes < count) {
      if (this.#isOver) throw new Error('the server hung up');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.byteLength > count ? [all.subarray(count)] : [];
    this.#bytes -= count;
    return all.subarray(0, count);
  }
}

export function requestHeader(command: number, offset: number, length: number): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(0x2560_9513, 0);
  header.writeUInt16BE(command, 6);
  header.writeBigUInt64BE(BigInt(offset), 16);
  header.writeUInt32BE(length, 24);
  return header;
}

export function optionMessage(option: number, data: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.write('IHAVEOPT', 'latin1');
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(data.byteLength, 12);
  return Buffer.concat([head, data]);
}
