import { connect, type Socket } from 'node:net';
import type { Random } from '@blockyard/conformance/simulator';
import { IHAVEOPT, Option } from '../wire/protocol.js';
import { contextData, infoData } from './raw-client.js';

const OPTIONS = [0, 4, 12, 0xffff_ffff, ...Object.values(Option).filter((option) => option !== Option.ABORT)] as const;
const COMMANDS = [0, 0, 0, 1, 1, 1, 3, 4, 5, 6, 7, 8, 99, 0xffff] as const;
/** Lengths and offsets around which things go wrong, beside random ones. */
const EDGES = [
  0n,
  1n,
  511n,
  512n,
  513n,
  65_536n,
  2n ** 20n - 512n,
  2n ** 20n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

function u32(random: Random): number {
  return random.below(2 ** 32);
}

function bytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** One session of a client that knows the protocol and does not care. */
export class FuzzSession {
  readonly #random: Random;
  readonly #parts: Buffer[] = [];
  #extended = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Everything the client will ever say. */
  compose(requests: number): Buffer {
    const random = this.#random;
    if (random.chance(1 / 50)) return this.#garbage();
    this.#u32(random.chance(1 / 50) ? u32(random) : random.pick([1, 3]));
    // Now and then someone who cannot stop haggling.
    for (let i = random.below(random.chance(1 / 4) ? 400 : 8); i > 0; i--) this.#option();
    if (!random.chance(1 / 10)) this.#go();
    for (let i = requests; i > 0; i--) this.#request();
    if (random.chance(1 / 3)) this.#header(2, 0, 0n, 0n);
    return Buffer.concat(this.#parts);
  }

  #garbage(): Buffer {
    return bytes(this.#random, this.#random.below(3000));
  }

  #go(): void {
    const random = this.#random;
    if (random.chance(1 / 2)) {
      const option = random.pick([Option.STRUCTURED_REPLY, Option.EXTENDED_HEADERS]);
      this.#extended = option === Option.EXTENDED_HEADERS;
      this.#sendOption(option, Buffer.alloc(0));
      if (random.chance(1 / 2)) this.#sendOption(Option.SET_META_CONTEXT, contextData('', ['base:allocation']));
    }
    this.#sendOption(Option.GO, infoData('', [3]));
  }

  #option(): void {
    const random = this.#random;
    const option = random.chance(1 / 20) ? u32(random) : random.pick(OPTIONS);
    // What ends the handshake comes by itself often enough.
    if ((option === Option.GO || option === Option.EXPORT_NAME) && !random.chance(1 / 10)) return;
    const data = random.pick([
      () => Buffer.alloc(0),
      () => bytes(random, random.below(100)),
      () => Buffer.from(infoData(random.pick(['', 'disk', 'nope']), [random.below(5), u32(random) & 0xffff])),
      () => Buffer.from(contextData(random.pick(['', 'disk', 'x']), ['base:allocation', 'base:', 'x-blockyard:'])),
      () => Buffer.alloc(random.below(100_000)),
    ])();
    if (option === Option.EXTENDED_HEADERS && data.byteLength === 0) this.#extended = true;
    if (data.byteLength > 0 && random.chance(1 / 4)) data[random.below(data.byteLength)] = u32(random);
    this.#sendOption(option, data);
  }

  #sendOption(option: number, data: Uint8Array): void {
    const random = this.#random;
    this.#u32(random.chance(1 / 500) ? u32(random) : IHAVEOPT[0]);
    this.#u32(IHAVEOPT[1]);
    this.#u32(option);
    this.#u32(random.chance(1 / 500) ? u32(random) : data.byteLength);
    this.#parts.push(Buffer.from(data));
  }

  #request(): void {
    const random = this.#random;
    const command = random.pick(COMMANDS);
    const flags = random.chance(1 / 3) ? 1 << random.below(8) : 0;
    const offset = this.#number();
    const length = command === 1 ? BigInt(random.below(random.chance(1 / 100) ? 100_000 : 2000)) : this.#number();
    const payload = command === 1 || (this.#extended && random.chance(1 / 20));
    const withPayload = this.#extended && payload ? flags | 0x20 : flags;
    const short = length < 4096n ? length : 512n;
    this.#header(command, withPayload, offset, payload ? short : length);
    // Now and then it is not what was announced, and all that follows is out of step.
    if (payload) this.#parts.push(Buffer.alloc(random.chance(1 / 2000) ? random.below(4000) : Number(short), 0x5a));
  }

  #number(): bigint {
    const random = this.#random;
    if (random.chance(1 / 20)) return random.pick(EDGES);
    return BigInt(random.below(2048)) * (random.chance(1 / 10) ? 1n : 512n);
  }

  #header(command: number, flags: number, offset: bigint, length: bigint): void {
    const random = this.#random;
    const header = Buffer.allocUnsafe(this.#extended ? 32 : 28);
    const magic = this.#extended ? 0x21e41c71 : 0x25609513;
    header.writeUInt32BE(random.chance(1 / 20_000) ? u32(random) : magic, 0);
    header.writeUInt16BE(flags, 4);
    header.writeUInt16BE(command, 6);
    header.writeBigUInt64BE(BigInt(u32(random)), 8);
    header.writeBigUInt64BE(BigInt.asUintN(64, offset), 16);
    if (this.#extended) header.writeBigUInt64BE(BigInt.asUintN(64, length), 24);
    else header.writeUInt32BE(Number(BigInt.asUintN(32, length)), 24);
    this.#parts.push(header);
  }

  #u32(value: number): void {
    const part = Buffer.allocUnsafe(4);
    part.writeUInt32BE(value >>> 0, 0);
    this.#parts.push(part);
  }
}

/** Says it all, in pieces, and ends in one of the ways in which clients end. Resolves when the connection is over. */
export async function play(path: string, random: Random, script: Buffer): Promise<void> {
  const socket: Socket = connect({ path, allowHalfOpen: true });
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  if (random.chance(1 / 10)) socket.pause();
  else socket.resume();
  for (let at = 0; at < script.byteLength && !socket.destroyed; ) {
    const length = random.chance(1 / 4) ? 1 + random.below(200) : 1 + random.below(60_000);
    const drained = socket.write(script.subarray(at, at + length));
    at += length;
    if (!drained && !socket.isPaused())
      await Promise.race([over, new Promise((resolve) => socket.once('drain', resolve))]);
  }
  if (socket.isPaused() || random.chance(1 / 3)) socket.destroy();
  else socket.end();
  await over;
}
