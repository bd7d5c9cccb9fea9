import { ByteReader, ByteWriter } from '../format/bytes.js';
import { NO_OBJECT, NUMBER_MAX, type ObjectId, SLOT_MAX } from '../format/keys.js';
import type { LeafSet } from './leaf-set.js';
import type { RegionLeaves } from './region-leaves.js';
import { NO_LIVENESS, RunMerger } from './run.js';
import { type Pause, SLICE_ITEMS, Slices } from './slices.js';

/**
 * What is stored of a region: a base, or a delta, or a base and then deltas, in the order in which they were made. A base
 * says where every sector of the region points to, a delta only those of some ranges. All before the first payload reads as
 * zeroes.
 *
 * A payload is a sequence of bytes and varints (LEB128, at most 2^53 - 1; `signed` is a zigzag varint: 0, -1, 1, -2 and so
 * on are 0, 1, 2, 3):
 *
 *     payload  version: byte 1
 *              kind: byte 0 for a base, 1 for a delta
 *              base:  runs of the range that is the whole region
 *              delta: { gap: varint, count: varint, runs }, and at the end a gap alone
 *     runs     { gap: varint, count: varint, object: signed, slot: varint }, and at the end a gap alone
 *
 * Sectors are counted from the region's first. A gap counts the sectors between the end of the item before (at first, the
 * beginning of what the items are in) and the beginning of this one. A gap that reaches the end of what the items are in is
 * the last; so the one behind the last item is always there, if only as 0. `object` is the difference to the object of the
 * run before in the payload, at first to 0. The sectors of a run lie in successive slots of the object from `slot` on;
 * those of a gap between runs read as zeroes. Sectors outside the ranges of a delta are as they were before it.
 *
 * Counts are at least 1, objects 1 to 2^40 - 1, slots 0 to 2^24 - 1, also that of a run's last sector. Nothing follows the
 * payload's end. Writers join runs and ranges that continue one another; readers do not rely on it. A payload has no
 * checksum of its own: what it is stored in has.
 */
const VERSION = 1;
const BASE = 0;
const DELTA = 1;

/** The largest number of the largest kind. */
export const OBJECT_MAX: ObjectId = NUMBER_MAX * 2 + 1;

/** Where every sector points to. The leaves must not change meanwhile. */
export async function encodeBase(leaves: RegionLeaves, pause: Pause): Promise<Uint8Array> {
  const writer = new PayloadWriter(BASE, pause);
  await writer.runs(leaves, 0, leaves.sectors);
  return writer.bytes;
}

/** Where the sectors of the leaves in `changed` point to. No leaf may change meanwhile. */
export async function encodeDelta(leaves: RegionLeaves, changed: LeafSet, pause: Pause): Promise<Uint8Array> {
  const writer = new PayloadWriter(DELTA, pause);
  let position = 0;
  for (const { start, end } of leaves.rangesOf(changed)) {
    writer.range(start - position, end - start);
    await writer.runs(leaves, start, end);
    position = end;
  }
  writer.lastGap(leaves.sectors - position);
  return writer.bytes;
}

/**
 * Puts what payloads say, in their order, into leaves that point nowhere. Nothing counts as changed afterwards.
 *
 * @param where for messages
 * @throws BlockError `CORRUPT`, the leaves being of no use then
 */
export async function decodePayloads(
  payloads: readonly Uint8Array[],
  leaves: RegionLeaves,
  where: string,
  pause: Pause,
): Promise<void> {
  const slices = new Slices(pause);
  for (const [index, payload] of payloads.entries()) {
    await new PayloadReader(payload, `${where}, payload ${index}`, slices).readInto(leaves, index === 0);
  }
  leaves.takeChanged();
}

class PayloadWriter {
  readonly #writer = new ByteWriter();
  readonly #slices: Slices;
  #object: ObjectId = NO_OBJECT;

  constructor(kind: number, pause: Pause) {
    this.#slices = new Slices(pause);
    this.#writer.u8(VERSION);
    this.#writer.u8(kind);
  }

  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  range(gap: number, count: number): void {
    this.#writer.varint(gap);
    this.#writer.varint(count);
  }

  async runs(leaves: RegionLeaves, from: number, end: number): Promise<void> {
    let position = from;
    const merger = new RunMerger((start, count, object, slot) => {
      if (object === NO_OBJECT) return;
      this.range(start - position, count);
      this.#writer.signed(object - this.#object);
      this.#writer.varint(slot);
      this.#object = object;
      position = start + count;
    });
    for (let at = from; at < end; at += SLICE_ITEMS) {
      const count = Math.min(SLICE_ITEMS, end - at);
      leaves.collect(at, count, 0, merger);
      await this.#slices.did(count);
    }
    merger.end();
    this.lastGap(end - position);
  }

  lastGap(gap: number): void {
    this.#writer.varint(gap);
  }
}

class PayloadReader {
  readonly #reader: ByteReader;
  readonly #slices: Slices;
  #object: ObjectId = NO_OBJECT;

  constructor(payload: Uint8Array, where: string, slices: Slices) {
    this.#reader = new ByteReader(payload, where);
    this.#slices = slices;
  }

  async readInto(leaves: RegionLeaves, isFirst: boolean): Promise<void> {
    const version = this.#reader.u8();
    if (version !== VERSION) throw this.#reader.corrupt(`version ${version} of a region's map is not known`);
    const kind = this.#reader.u8();
    if (kind === BASE) {
      if (!isFirst) throw this.#reader.corrupt('a base comes behind others');
      await this.#runs(leaves, 0, leaves.sectors);
    } else if (kind === DELTA) await this.#ranges(leaves);
    else throw this.#reader.corrupt(`there is no kind ${kind}`);
    this.#reader.end();
  }

  async #ranges(leaves: RegionLeaves): Promise<void> {
    for (let position = 0; ; ) {
      const start = this.#afterGap(position, leaves.sectors);
      if (start === leaves.sectors) return;
      position = this.#afterCount(start, leaves.sectors);
      leaves.replace(start, position - start, NO_OBJECT, 0, NO_LIVENESS);
      await this.#runs(leaves, start, position);
    }
  }

  async #runs(leaves: RegionLeaves, from: number, end: number): Promise<void> {
    for (let position = from; ; ) {
      const start = this.#afterGap(position, end);
      if (start === end) return;
      position = this.#afterCount(start, end);
      this.#object += this.#reader.signed();
      if (!(this.#object > NO_OBJECT && this.#object <= OBJECT_MAX)) {
        throw this.#reader.corrupt(`there is no object ${this.#object}`);
      }
      const slot = this.#reader.varint();
      if (slot + position - start - 1 > SLOT_MAX) throw this.#reader.corrupt(`no object has a slot ${slot}`);
      leaves.replace(start, position - start, this.#object, slot, NO_LIVENESS);
      const pause = this.#slices.did(1);
      if (pause !== undefined) await pause;
    }
  }

  #afterGap(position: number, end: number): number {
    const gap = this.#reader.varint();
    if (gap > end - position) throw this.#reader.corrupt(`a gap of ${gap} sectors passes ${end}`);
    return position + gap;
  }

  #afterCount(position: number, end: number): number {
    const count = this.#reader.varint();
    if (count === 0 || count > end - position) {
      throw this.#reader.corrupt(`${count} sectors from ${position} are not within ${end}`);
    }
    return position + count;
  }
}
