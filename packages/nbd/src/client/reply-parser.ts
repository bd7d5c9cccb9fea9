import { sliceBuffers } from '@blockyard/block';
import { ByteReader, readU64 } from '../wire/bytes.js';
import type { Inbound, Parser } from '../wire/inbound.js';
import {
  CHUNK_ERROR_BIT,
  CHUNK_FLAG_DONE,
  Chunk,
  Command,
  Errno,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_BYTES,
  STRUCTURED_REPLY_MAGIC,
} from '../wire/protocol.js';
import type { Session } from './handshake.js';
import type { Job } from './job.js';

export interface ReplySink {
  /** The job that waits for a reply with this cookie. */
  find(cookie: number): Job | undefined;
  /** The whole reply is there. */
  onDone(cookie: number): void;
  /** The server broke the protocol. */
  onViolation(message: string): void;
}

/** Extents and error texts of one chunk; a server that sends more is up to no good. */
const METADATA_BYTES_MAX = 1024 * 1024;

/** Takes replies apart: data goes straight into the reader's buffers, in whatever order it comes. */
export class ReplyParser implements Parser {
  readonly #inbound: Inbound;
  readonly #session: Session;
  readonly #sink: ReplySink;
  /** Buffers still to be filled by the data on its way. */
  #targets: Uint8Array[] = [];
  /** What is to happen when they are. */
  #then: () => void = () => {};

  constructor(inbound: Inbound, session: Session, sink: ReplySink) {
    this.#inbound = inbound;
    this.#session = session;
    this.#sink = sink;
  }

  parse(inbound: Inbound): boolean {
    if (inbound.availableBytes < SIMPLE_REPLY_BYTES) return false;
    const magic = inbound.view.getUint32(inbound.at);
    const { mode } = this.#session;
    if (magic === SIMPLE_REPLY_MAGIC && mode !== 'extended') return this.#parseSimple(inbound);
    if (magic === STRUCTURED_REPLY_MAGIC && mode === 'structured')
      return this.#parseChunk(inbound, STRUCTURED_REPLY_BYTES);
    if (magic === EXTENDED_REPLY_MAGIC && mode === 'extended') return this.#parseChunk(inbound, EXTENDED_REPLY_BYTES);
    return this.#violate('wrong magic of a reply');
  }

  filled(): void {
    const next = this.#targets.shift();
    if (next !== undefined) this.#inbound.readInto(next);
    else this.#then();
  }

  #parseSimple(inbound: Inbound): boolean {
    const { view, at } = inbound;
    const cookie = readU64(view, at + 8) ?? -1;
    const job = this.#sink.find(cookie);
    if (job === undefined) return this.#violate('a reply to nothing');
    if (job.command === Command.READ && this.#session.mode !== 'simple')
      return this.#violate('a simple reply to a read');
    inbound.at += SIMPLE_REPLY_BYTES;
    job.errno = view.getUint32(at + 4);
    if (job.command !== Command.READ || job.errno !== 0) return this.#done(cookie, job);
    return this.#receiveData(job, 0, job.lengthBytes, () => this.#done(cookie, job));
  }

  #parseChunk(inbound: Inbound, headerBytes: number): boolean {
    const { view, at } = inbound;
    if (inbound.availableBytes < headerBytes) return false;
    const cookie = readU64(view, at + 8) ?? -1;
    const job = this.#sink.find(cookie);
    if (job === undefined) return this.#violate('a chunk for nothing');
    const lengthBytes = headerBytes === EXTENDED_REPLY_BYTES ? readU64(view, at + 24) : view.getUint32(at + 16);
    const type = view.getUint16(at + 6);
    const ends = (view.getUint16(at + 4) & CHUNK_FLAG_DONE) !== 0;
    const finish = () => (ends ? this.#done(cookie, job) : true);
    if (lengthBytes === undefined) return this.#violate('a chunk that is too long');
    if (type === Chunk.OFFSET_DATA) return this.#parseData(inbound, headerBytes, job, lengthBytes, finish);
    inbound.at += headerBytes;
    if (type === Chunk.NONE)
      return lengthBytes === 0 && ends ? finish() : this.#violate('an empty chunk that is not empty');
    if (lengthBytes > METADATA_BYTES_MAX) return this.#violate('a chunk that is too long');
    return this.#receive([new Uint8Array(lengthBytes)], ([metadata]) => {
      if (this.#takeMetadata(job, type, new ByteReader(metadata ?? new Uint8Array(0)))) finish();
    });
  }

  #parseData(inbound: Inbound, headerBytes: number, job: Job, lengthBytes: number, finish: () => boolean): boolean {
    if (inbound.availableBytes < headerBytes + 8) return false;
    const offsetBytes = readU64(inbound.view, inbound.at + headerBytes) ?? -1;
    inbound.at += headerBytes + 8;
    return this.#receiveData(job, offsetBytes - job.offsetBytes, lengthBytes - 8, finish);
  }

  /** Data for bytes `from` on of what the job reads. */
  #receiveData(job: Job, from: number, lengthBytes: number, finish: () => boolean): boolean {
    if (!this.#arrive(job, from, lengthBytes)) return false;
    return this.#receive(placesFor(job, from, lengthBytes), finish);
  }

  /** Fills the buffers one after the other, then goes on. */
  #receive(buffers: Uint8Array[], then: (buffers: readonly Uint8Array[]) => void): boolean {
    this.#targets = [...buffers];
    this.#then = () => then(buffers);
    this.filled();
    return true;
  }

  #takeMetadata(job: Job, type: number, reader: ByteReader): boolean {
    if (type === Chunk.OFFSET_HOLE) return this.#takeHole(job, reader);
    if (type === Chunk.BLOCK_STATUS) return this.#takeStatus(job, reader, false);
    if (type === Chunk.BLOCK_STATUS_EXT) return this.#takeStatus(job, reader, true);
    if ((type & CHUNK_ERROR_BIT) === 0) return this.#violate(`an unknown chunk of type ${type}`);
    const errno = reader.u32() ?? 0;
    // The first error is the one that tells; a code of zero counts as an unknown error.
    if (job.errno === 0) job.errno = errno === 0 ? Errno.EINVAL : errno;
    job.message ||= reader.rest(Math.min(reader.u16() ?? 0, reader.leftBytes)) ?? '';
    return true;
  }

  #takeHole(job: Job, reader: ByteReader): boolean {
    const from = (reader.u64() ?? -1) - job.offsetBytes;
    const lengthBytes = reader.u32() ?? 0;
    if (!this.#arrive(job, from, lengthBytes)) return false;
    for (const buffer of placesFor(job, from, lengthBytes)) buffer.fill(0);
    return true;
  }

  #takeStatus(job: Job, reader: ByteReader, wide: boolean): boolean {
    if (job.command !== Command.BLOCK_STATUS) return this.#violate('a status that was not asked for');
    if (reader.u32() !== this.#session.allocationId) return true;
    if (job.statuses.length > 0) return this.#violate('a second status');
    if (wide) reader.u32();
    while (reader.leftBytes > 0) {
      const lengthBytes = wide ? reader.u64() : reader.u32();
      const status = wide ? reader.u64() : reader.u32();
      if (lengthBytes === undefined || status === undefined || lengthBytes === 0)
        return this.#violate('a malformed status');
      job.statuses.push({ lengthBytes, status });
    }
    return true;
  }

  /** Notes that a range of what the job reads arrives; false if it has no place there. */
  #arrive(job: Job, from: number, lengthBytes: number): boolean {
    const fits = from >= 0 && lengthBytes >= 0 && from <= job.lengthBytes && lengthBytes <= job.lengthBytes - from;
    job.arrivedBytes += lengthBytes;
    if (job.command !== Command.READ || !fits || job.arrivedBytes > job.lengthBytes) {
      return this.#violate('data that were not asked for');
    }
    if (lengthBytes > 0) job.arrived.push({ from, to: from + lengthBytes });
    return true;
  }

  #done(cookie: number, job: Job): boolean {
    if (job.command === Command.READ && job.errno === 0 && !job.covered)
      return this.#violate('a read with gaps or overlaps');
    this.#sink.onDone(cookie);
    return true;
  }

  #violate(message: string): false {
    this.#inbound.hold();
    this.#sink.onViolation(message);
    return false;
  }
}

/** Where data for a job go: into its buffers, or nowhere, if their owner has taken them away. What others read comes behind. */
function placesFor(job: Job, from: number, lengthBytes: number): Uint8Array[] {
  return job.isWhole ? sliceBuffers(job.buffers, from, lengthBytes) : [new Uint8Array(lengthBytes)];
}
