import type { ObjectVersion } from '@blockyard/object-store';
import type { Checks } from '../format/checks.js';
import { CHECK_BLOCK_BYTES, HEAD_BYTES, type Layout } from '../format/layout.js';
import { decodeHead, type Head } from '../format/record.js';
import type { Medium } from '../medium/medium.js';
import { readSpans, type Span, type SpansRead } from '../medium/span-reader.js';

/** A record, and which bytes of its part are wanted of it. */
export interface Wanted {
  /** Where it begins, in units of 512 bytes of the medium. */
  readonly unit: number;
  readonly firstStep: number;
  readonly lastStep: number;
  /** Bytes of the part. */
  readonly start: number;
  readonly end: number;
}

/** What a record had of what was wanted, checked. */
export interface RecordRead {
  readonly head: Head;
  /** First byte, counted from the beginning of the part. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What is at the place of a record: it; another sound one; or bytes that are not a record. */
export type RecordResult = RecordRead | 'another' | 'damaged';

/** Reads records, and believes none of them. */
export class RecordReader {
  readonly #medium: Medium;
  readonly #layout: Layout;
  readonly #checks: Checks;

  constructor(medium: Medium, layout: Layout, checks: Checks) {
    this.#medium = medium;
    this.#layout = layout;
    this.#checks = checks;
  }

  /**
   * In the order of `wanted`, read at once.
   *
   * @param isIt whether a head is the one that is meant
   */
  async read<W extends Wanted>(
    wanted: readonly W[],
    isIt: (head: Head, wanted: W) => boolean,
  ): Promise<RecordResult[]> {
    const read = await readSpans(
      this.#medium,
      this.#layout,
      wanted.flatMap((each) => this.#spansOf(each)),
    );
    return wanted.map((each) => {
      const at = each.unit * HEAD_BYTES;
      const head = decodeHead(read.bytes(at, at + HEAD_BYTES), this.#checks);
      if (head === undefined) return 'damaged';
      if (!isIt(head, each) || !this.#isWithin(head, each)) return 'another';
      return this.#dataOf(head, each, read);
    });
  }

  /** The head, and the blocks that may have what is wanted: where exactly the range begins in its first step only the head tells. */
  #spansOf({ unit, firstStep, lastStep, start, end }: Wanted): Span[] {
    const { stepBytes } = this.#layout;
    const at = unit * HEAD_BYTES;
    const data = at + HEAD_BYTES;
    const first = toBlock(Math.max(0, start - (firstStep + 1) * stepBytes + 1), Math.floor);
    const last = Math.min(toBlock(end - firstStep * stepBytes, Math.ceil), (lastStep + 1 - firstStep) * stepBytes);
    const limit = this.#endOfRegion(at);
    return [
      { start: at, end: data },
      { start: Math.min(limit, data + first), end: Math.min(limit, data + last) },
    ];
  }

  #endOfRegion(at: number): number {
    const { regionsStart, regionBytes } = this.#layout;
    return regionsStart + (Math.floor((at - regionsStart) / regionBytes) + 1) * regionBytes;
  }

  /** Whether the range is what the table says it is: only then were its bytes read. */
  #isWithin({ offset, lengthBytes }: Head, { unit, firstStep, lastStep }: Wanted): boolean {
    const { stepBytes } = this.#layout;
    const at = unit * HEAD_BYTES;
    return (
      lengthBytes > 0 &&
      Math.floor(offset / stepBytes) === firstStep &&
      Math.floor((offset + lengthBytes - 1) / stepBytes) === lastStep &&
      at + HEAD_BYTES + lengthBytes <= this.#endOfRegion(at)
    );
  }

  #dataOf(head: Head, { unit, start, end }: Wanted, read: SpansRead): RecordResult {
    const { offset, lengthBytes } = head;
    const from = Math.max(start, offset) - offset;
    const to = Math.min(end, offset + lengthBytes) - offset;
    if (from >= to) return { head, offset: Math.max(start, offset), bytes: new Uint8Array(0) };
    const blockStart = toBlock(from, Math.floor);
    const data = (unit + 1) * HEAD_BYTES;
    const bytes = read.bytes(data + blockStart, data + Math.min(lengthBytes, toBlock(to, Math.ceil)));
    if (!this.#isSound(bytes, head, blockStart)) return 'damaged';
    return { head, offset: offset + from, bytes: bytes.subarray(from - blockStart, to - blockStart) };
  }

  #isSound(bytes: Uint8Array, head: Head, blockStart: number): boolean {
    for (let at = 0; at < bytes.byteLength; at += CHECK_BLOCK_BYTES) {
      const check = head.checks[(blockStart + at) / CHECK_BLOCK_BYTES];
      if (this.#checks.of(bytes.subarray(at, at + CHECK_BLOCK_BYTES)) !== check) return false;
    }
    return true;
  }
}

function toBlock(bytes: number, round: (blocks: number) => number): number {
  return round(bytes / CHECK_BLOCK_BYTES) * CHECK_BLOCK_BYTES;
}

/** Whether two answers are about one version. */
export function isSameVersion(a: ObjectVersion, b: ObjectVersion): boolean {
  return a.etag === b.etag && a.sizeBytes === b.sizeBytes && a.stamp === b.stamp;
}
