import { BlockError, type BlockErrorCode, SECTOR_SIZE_MAX, SECTOR_SIZE_MIN } from '@blockyard/block';
import { ByteReader, ByteWriter, decodeText, viewOf } from '../wire/bytes.js';
import {
  BASE_ALLOCATION,
  CONTEXT_INSTANCE,
  CONTEXT_SECTOR_SIZE,
  GREETING_BYTES,
  HandshakeFlag,
  IHAVEOPT,
  Info,
  NBDMAGIC,
  OPTION_ERROR_MIN,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
  Option,
  OptionReply,
  PAYLOAD_BYTES_DEFAULT,
} from '../wire/protocol.js';

/** What was agreed on with a server. */
export interface Session {
  readonly mode: 'simple' | 'structured' | 'extended';
  readonly sizeBytes: number;
  /** Transmission flags. */
  readonly flags: number;
  readonly minimumBytes: number;
  readonly preferredBytes: number;
  /** Largest payload. */
  readonly maximumBytes: number;
  /** Id of `base:allocation`, where the server has it. */
  readonly allocationId: number | undefined;
  /** Name that no other device object of any server has, where the server gives one. */
  readonly instance: string | undefined;
  /** Bytes in a sector of the server's device, where the server tells. */
  readonly sectorSize: number | undefined;
}

/** The way to the other side while options are haggled over. */
export interface Exchange {
  read(lengthBytes: number): Promise<Uint8Array>;
  write(message: Uint8Array): void;
}

interface Reply {
  readonly type: number;
  readonly data: Uint8Array;
}

/** A meta context that the server named. */
interface Context {
  readonly id: number;
  readonly name: string;
}

/** A server that sends more than this for one option is up to no good. */
const REPLY_BYTES_MAX = 65_536;
const REPLIES_MAX = 1000;

/** What the refusal of an option means to a caller that wants the export. */
const CODE_BY_REFUSAL: Readonly<Record<number, BlockErrorCode | undefined>> = {
  [OptionReply.ERR_UNKNOWN]: 'NOT_FOUND',
  [OptionReply.ERR_POLICY]: 'ACCESS_DENIED',
  [OptionReply.ERR_TLS_REQD]: 'ACCESS_DENIED',
  [OptionReply.ERR_SHUTDOWN]: 'UNAVAILABLE',
};

/** The client's half of the handshake, option by option. Every failure is a `BlockError`. */
export class ClientHandshake {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async greet(): Promise<void> {
    const reader = new ByteReader(await this.#exchange.read(GREETING_BYTES));
    const words = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
    const expected = [...NBDMAGIC, ...IHAVEOPT];
    if (words.some((word, index) => word !== expected[index])) throw violation('this is no NBD server of today');
    const flags = reader.u16() ?? 0;
    if ((flags & HandshakeFlag.FIXED_NEWSTYLE) === 0) throw violation('the server does not speak fixed newstyle');
    this.#exchange.write(
      new ByteWriter().u32(flags & (HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES)).finish(),
    );
  }

  /** Resolves if the server is ready for TLS on this connection. */
  async startTls(): Promise<void> {
    const refusal = await this.#ask(Option.STARTTLS);
    if (refusal !== undefined) throw refused('STARTTLS', refusal, 'ACCESS_DENIED');
  }

  /** Chooses the export, with everything that client and server both know. */
  async open(exportName: string): Promise<Session> {
    const mode = await this.#mode();
    let listed: readonly Context[] = [];
    let selected: readonly Context[] = [];
    if (mode !== 'simple') {
      listed = await this.#contexts(Option.LIST_META_CONTEXT, exportName, [CONTEXT_INSTANCE, CONTEXT_SECTOR_SIZE]);
      selected = await this.#contexts(Option.SET_META_CONTEXT, exportName, [BASE_ALLOCATION]);
    }
    const instance = listed.find(({ name }) => name.startsWith(CONTEXT_INSTANCE))?.name;
    const sectorSize = sectorSizeOf(listed.find(({ name }) => name.startsWith(CONTEXT_SECTOR_SIZE))?.name);
    const allocationId = selected.find(({ name }) => name === BASE_ALLOCATION)?.id;
    return { mode, allocationId, instance, sectorSize, ...(await this.#go(exportName)) };
  }

  async #mode(): Promise<Session['mode']> {
    if ((await this.#ask(Option.EXTENDED_HEADERS)) === undefined) return 'extended';
    return (await this.#ask(Option.STRUCTURED_REPLY)) === undefined ? 'structured' : 'simple';
  }

  /** What the queries give; nothing where the server refuses them. */
  async #contexts(option: number, exportName: string, queries: readonly string[]): Promise<Context[]> {
    const question = new ByteWriter().text(exportName).u32(queries.length);
    for (const query of queries) question.text(query);
    const found: Context[] = [];
    await this.#ask(option, question.finish(), ({ type, data }) => {
      if (type !== OptionReply.META_CONTEXT || data.byteLength < 4) return;
      const name = decodeText(data.subarray(4));
      if (name !== undefined) found.push({ id: viewOf(data).getUint32(0), name });
    });
    return found;
  }

  async #go(exportName: string) {
    let size: number | undefined;
    let flags: number | undefined;
    let blocks = [1, 4096, PAYLOAD_BYTES_DEFAULT];
    const data = new ByteWriter().text(exportName).u16(1).u16(Info.BLOCK_SIZE).finish();
    const refusal = await this.#ask(Option.GO, data, (reply) => {
      if (reply.type !== OptionReply.INFO) return;
      const reader = new ByteReader(reply.data);
      const type = reader.u16();
      if (type === Info.EXPORT) [size, flags] = [reader.u64(), reader.u16()];
      if (type === Info.BLOCK_SIZE) blocks = [reader.u32() ?? 0, reader.u32() ?? 0, reader.u32() ?? 0];
    });
    if (refusal !== undefined) throw refused('GO', refusal, 'UNSUPPORTED');
    if (size === undefined || flags === undefined) throw violation('the server does not tell the size of the export');
    const [minimumBytes = 0, preferredBytes = 0, maximumBytes = 0] = blocks;
    if (!isPowerOfTwo(minimumBytes) || minimumBytes > 65_536 || !isPowerOfTwo(preferredBytes) || maximumBytes < 512) {
      throw violation(`impossible block sizes ${blocks.join(', ')}`);
    }
    return { sizeBytes: size, flags, minimumBytes, preferredBytes, maximumBytes };
  }

  /** Sends an option and takes all of its replies. The refusal, or `undefined` if it was granted. */
  async #ask(option: number, data: Uint8Array = new Uint8Array(0), onReply: (reply: Reply) => void = () => {}) {
    this.#exchange.write(new ByteWriter().magic(IHAVEOPT).u32(option).u32(data.byteLength).bytes(data).finish());
    for (let replies = 0; replies < REPLIES_MAX; replies++) {
      const reply = await this.#reply(option);
      if (reply.type === OptionReply.ACK) return undefined;
      if (reply.type >= OPTION_ERROR_MIN) return reply;
      onReply(reply);
    }
    throw violation('the server does not come to an end');
  }

  async #reply(option: number): Promise<Reply> {
    const header = viewOf(await this.#exchange.read(OPTION_REPLY_HEADER_BYTES));
    const [high, low] = OPTION_REPLY_MAGIC;
    if (header.getUint32(0) !== high || header.getUint32(4) !== low)
      throw violation('the wrong magic of an option reply');
    if (header.getUint32(8) !== option) throw violation('a reply to an option that was not asked');
    const lengthBytes = header.getUint32(16);
    if (lengthBytes > REPLY_BYTES_MAX) throw violation('an option reply that is too long');
    const data = lengthBytes === 0 ? new Uint8Array(0) : await this.#exchange.read(lengthBytes);
    return { type: header.getUint32(12), data };
  }
}

function refused(what: string, { type, data }: Reply, fallback: BlockErrorCode): BlockError {
  const text = decodeText(data) ?? '';
  const code = CODE_BY_REFUSAL[type] ?? fallback;
  return new BlockError(
    code,
    `the server refuses ${what} (0x${type.toString(16)})${text === '' ? '' : `: ${JSON.stringify(text)}`}`,
  );
}

/** `undefined` for what can be no sector size. */
function sectorSizeOf(name: string | undefined): number | undefined {
  const digits = name?.slice(CONTEXT_SECTOR_SIZE.length) ?? '';
  if (!/^\d{3,5}$/.test(digits)) return undefined;
  const bytes = Number(digits);
  return isPowerOfTwo(bytes) && bytes >= SECTOR_SIZE_MIN && bytes <= SECTOR_SIZE_MAX ? bytes : undefined;
}

export function violation(message: string): BlockError {
  return new BlockError('IO', message);
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
