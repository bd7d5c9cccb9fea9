import { BlockError } from '@blockyard/block';
import { crc32 } from '../format/crc32.js';
import { inRing, maxRecordBytesOf, roundDown, roundUp } from '../format/layout.js';
import {
  claimedHeaderBytes,
  decodeHeader,
  type FoundHeader,
  HEADER_BYTES_MAX,
  looksLikeHeader,
} from '../format/record.js';
import type { ChainPlace, Superblock } from '../format/superblock.js';
import { isUnreadable, type Medium } from '../medium/medium.js';
import { SpanReader } from '../medium/span-reader.js';

/** A record of the chain that has changes. */
export interface FoundRecord {
  readonly header: FoundHeader;
  /** As in a {@link ChainPlace}. */
  readonly at: number;
  readonly sizeBytes: number;
  readonly bytes: Uint8Array;
  readonly next: ChainPlace;
}

/** How the chain ends. `error`: not as it must. */
export interface ChainEnd {
  readonly place: ChainPlace;
  readonly error: BlockError | undefined;
}

/**
 * Goes through the records from the tail on, or from a place behind it, in order, as far as each follows on the one before and
 * is sound. Ends with an error if there must be more: the superblock says so, or a record that was made when they were durable.
 */
export async function* chainOf(
  medium: Medium,
  superblock: Superblock,
  from = superblock.tail,
): AsyncGenerator<FoundRecord, ChainEnd> {
  const chain = new Chain(medium, superblock, from);
  for (let found = await chain.next(); found !== undefined; found = await chain.next()) yield found;
  return chain.end();
}

/** The records behind a place of the chain, and how it ends. */
export class Chain {
  readonly #superblock: Superblock;
  readonly #reader: SpanReader;
  readonly #ringBytes: number;
  #place: ChainPlace;
  /** Why the next record cannot be read. */
  #failure: unknown;

  constructor(medium: Medium, superblock: Superblock, from: ChainPlace) {
    this.#superblock = superblock;
    this.#reader = new SpanReader(medium, superblock.ringEnd);
    this.#ringBytes = superblock.ringEnd - superblock.ringStart;
    this.#place = from;
  }

  /** The next record of the chain, if it is sound. Rejects where it may be readable later. */
  async next(): Promise<FoundRecord | undefined> {
    if (this.#isWhereLeft) return undefined;
    try {
      let found = await this.#next();
      while (found === 'wrap') found = await this.#next();
      return found;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#failure = error;
      return undefined;
    }
  }

  async #next(): Promise<FoundRecord | 'wrap' | undefined> {
    const { at } = this.#place;
    const header = await this.#headerAt(at);
    if (header === undefined || !this.#follows(header)) return undefined;
    const { sequence, check } = header;
    const { unit } = this.#superblock;
    if (header.kind === 'wrap') {
      this.#place = { at: this.#lapEnd(at), sequence, check };
      return 'wrap';
    }
    const sizeBytes = header.headerBytes + roundUp(header.payloadBytes, unit);
    if (at + sizeBytes > this.#lapEnd(at) || at + sizeBytes - this.#superblock.tail.at > this.#ringBytes)
      return undefined;
    const bytes = await this.#reader.read(inRing(this.#superblock, at), sizeBytes);
    if (!this.#isSound(header, bytes)) return undefined;
    const next = { at: at + sizeBytes, sequence, check };
    this.#place = next;
    return { header, at, sizeBytes, bytes, next };
  }

  /** How the chain ends. Call it once `next` has found no further record. */
  async end(): Promise<ChainEnd> {
    const { durableThrough, drainingThrough } = this.#superblock;
    const place = this.#place;
    if (this.#isWhereLeft) return { place, error: undefined };
    const missing = place.sequence + 1;
    if (this.#failure !== undefined) {
      const what = `record ${missing} of the write log, if there is one, cannot be read`;
      return { place, error: new BlockError('CORRUPT', what, { cause: this.#failure }) };
    }
    const isShort = place.sequence < Math.max(durableThrough, drainingThrough) || (await this.#isConfirmed(missing));
    if (!isShort) return { place, error: undefined };
    const what = `record ${missing} of the write log was durable, and is damaged or gone`;
    return { place, error: new BlockError('CORRUPT', what) };
  }

  /** Whether nothing comes any longer. To look for what might tell of more would take longer than all the rest. */
  get #isWhereLeft(): boolean {
    const { leftThrough } = this.#superblock;
    return leftThrough > 0 && this.#place.sequence === leftThrough;
  }

  #follows({ tierId, sequence, before, run }: FoundHeader): boolean {
    const { tierId: own, run: latest } = this.#superblock;
    const { sequence: last, check } = this.#place;
    return tierId === own && run <= latest && sequence === last + 1 && before === check;
  }

  #isSound({ headerBytes, extents }: FoundHeader, bytes: Uint8Array): boolean {
    const { baseSectorSize } = this.#superblock;
    let at = headerBytes;
    for (const { kind, count, crc } of extents) {
      if (kind !== 'data') continue;
      const length = count * baseSectorSize;
      if (crc32(bytes.subarray(at, at + length)) !== crc) return false;
      at += length;
    }
    return true;
  }

  /**
   * Whether a record further on was made when the missing one was durable. One record and what is left out before the ring's end
   * are the most that lies between two headers; headers that are found lead on to others.
   */
  async #isConfirmed(missing: number): Promise<boolean> {
    const { unit, tierId } = this.#superblock;
    const start = this.#place.at;
    const stepBytes = 2 * maxRecordBytesOf(this.#ringBytes) + unit;
    let until = start + stepBytes;
    await this.#reader.ahead(inRing(this.#superblock, start), roundDown(stepBytes, unit));
    for (let at = start; at < Math.min(until, start + this.#ringBytes); ) {
      // Most units are none, and there are thousands of them.
      const known = this.#reader.atHand(inRing(this.#superblock, at), unit);
      const header = known && !looksLikeHeader(known) ? undefined : await this.#anyHeaderAt(at);
      if (header === undefined || header.tierId !== tierId || header.sequence <= missing) {
        at += unit;
        continue;
      }
      if (header.flushed >= missing) return true;
      const { kind, headerBytes, payloadBytes } = header;
      at = kind === 'wrap' ? this.#lapEnd(at) : at + headerBytes + roundUp(payloadBytes, unit);
      until = at + stepBytes;
    }
    return false;
  }

  /** None where it cannot be read. */
  async #anyHeaderAt(at: number): Promise<FoundHeader | undefined> {
    try {
      return await this.#headerAt(at);
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }

  async #headerAt(at: number): Promise<FoundHeader | undefined> {
    const { unit, baseSectorSize } = this.#superblock;
    const position = inRing(this.#superblock, at);
    const first = await this.#reader.peek(position, unit);
    if (!looksLikeHeader(first)) return undefined;
    const lengthBytes = Math.min(claimedHeaderBytes(first), roundUp(HEADER_BYTES_MAX, unit));
    const bytes = lengthBytes <= unit ? first : await this.#reader.peek(position, lengthBytes);
    return decodeHeader(bytes, unit, baseSectorSize);
  }

  #lapEnd(at: number): number {
    const { ringStart } = this.#superblock;
    return ringStart + (Math.floor((at - ringStart) / this.#ringBytes) + 1) * this.#ringBytes;
  }
}
