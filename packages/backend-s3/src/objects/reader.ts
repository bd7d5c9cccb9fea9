import { BlockError } from '@blockyard/block';
import { type ByteRange, busy, type Sink, sinkInto } from '@blockyard/object-store';
import type { BufferPart } from '../layout/geometry.js';
import { isDataObjectStamp } from './format.js';
import { ObjectImage } from './image.js';
import { HEADER_BYTES_V1 } from './object-v1.js';
import { PartsSink, rangeOfParts } from './parts-sink.js';
import { dataBytesOf, type Version } from './version.js';
import type { VolumeParts } from './volume-parts.js';

/**
 * Times that an object is read until what comes is what it must be: what was damaged on the way is whole the second time, and
 * an object may become another version, or of the other format, between two requests.
 */
const READS_MAX = 3;

/** What came of one look at an object. `beyond`: it ends before the range that was asked for. */
type Look =
  | { readonly kind: 'found' | 'beyond'; readonly version: Version }
  | { readonly kind: 'missing' }
  | { readonly kind: 'busy' };

/**
 * Reads data objects, and checks all that it reads.
 *
 * Parts are read with one GET, which brings the checksums along; none for what does not exist. What the store says of an object
 * (its stamp, its length) must fit in any case, whatever range was asked for.
 */
export class ObjectReader {
  readonly #parts: VolumeParts;

  constructor(parts: VolumeParts) {
    this.#parts = parts;
  }

  /** Whether the part has to be fetched. If not, it was filled with zeroes. */
  needsFetch({ index, buffers }: BufferPart): boolean {
    if (this.#parts.known.mayExist(index)) return true;
    zero(buffers);
    return false;
  }

  async fetch(part: BufferPart): Promise<void> {
    if ((await this.#fetch(part)) === 'fetched') return;
    // The object may have been deleted, and even made again, between the question and the answer, or is being replaced. No one
    // changes it while its lock is held, so then the answer is final.
    await this.#parts.locks.run(part.index, () => this.#fetchAlone(part));
  }

  /** The whole object, and the version that it is. Undefined if there is none. Call it with the object's lock held. */
  async load(index: number): Promise<{ image: ObjectImage; version: Version } | undefined> {
    const { geometry, imageFacts } = this.#parts;
    for (let reads = 0; reads < READS_MAX; reads++) {
      const image = new ObjectImage(imageFacts, index, geometry.objectSizeBytes);
      const whole = { offset: 0, lengthBytes: image.byteLength };
      const look = await this.#look(index, whole, () => sinkInto([image.buffer]));
      if (look.kind === 'missing') return undefined;
      if (look.kind === 'busy') throw busy(this.#parts.objects.urlOf(index));
      const { version } = look;
      if (look.kind === 'beyond' || !take(image, version)) continue;
      return { image, version };
    }
    throw new BlockError('CORRUPT', `${this.#parts.objects.urlOf(index)}: its contents do not fit its checksums`);
  }

  async #fetchAlone(part: BufferPart): Promise<void> {
    const { known, guard } = this.#parts;
    if (!this.needsFetch(part)) return;
    const outcome = await this.#fetch(part);
    if (outcome === 'fetched') return;
    if (outcome === 'busy') throw busy(this.#parts.objects.urlOf(part.index));
    if (!known.isDoubtful(part.index)) await guard.missing(part.index);
    known.noticeMissing(part.index);
    zero(part.buffers);
  }

  async #fetch(part: BufferPart): Promise<'fetched' | 'missing' | 'busy'> {
    const { reads: semaphore, known } = this.#parts;
    const { index } = part;
    let problem: string | undefined;
    for (let reads = 0; reads < READS_MAX; reads++) {
      const isV1 = known.isV1(index);
      let sink: Sink | undefined;
      const look = await semaphore.run(() =>
        this.#look(index, this.#rangeOf(part, isV1), (version) => {
          sink = hasV1(version) === isV1 ? this.#sinkFor(part, version) : undefined;
          return sink;
        }),
      );
      if (look.kind === 'missing' || look.kind === 'busy') return look.kind;
      known.learnFormat(index, hasV1(look.version));
      known.confirm(index);
      if (look.kind === 'beyond' && dataBytesOf(look.version) <= part.offset) {
        zero(part.buffers);
        return 'fetched';
      }
      if (sink instanceof PartsSink && sink.damage !== undefined) {
        problem = sink.damage;
      } else if (sink !== undefined) {
        return 'fetched';
      } else if (look.kind === 'beyond' && hasV1(look.version) === isV1) {
        problem = `the store has ${dataBytesOf(look.version)} bytes of data, and none at ${part.offset}`;
      }
    }
    if (problem === undefined) throw busy(this.#parts.objects.urlOf(index));
    throw new BlockError('CORRUPT', `${this.#parts.objects.urlOf(index)}: ${problem}`);
  }

  /**
   * One GET, and another one where the root has to be asked whether what was found counts: a body does not wait for that. Where
   * the object ends before the range, a HEAD says how long it is: the GET has not.
   */
  async #look(index: number, range: ByteRange, open: (version: Version) => Sink | undefined): Promise<Look> {
    const { objects, guard } = this.#parts;
    for (let reads = 0; reads < READS_MAX; reads++) {
      let isContested = false;
      const found = await objects.get(index, range, (version) => {
        guard.checkShape(index, version);
        isContested = guard.isContested(version);
        return isContested ? undefined : open(version);
      });
      if (found === 'busy') return { kind: 'busy' };
      if (found !== undefined && found !== 'beyond') {
        if (!isContested) return { kind: 'found', version: found };
        await guard.settle(index, found);
        continue;
      }
      const version = found === undefined ? undefined : await objects.head(index);
      if (version === undefined) return { kind: 'missing' };
      await guard.check(index, version);
      return { kind: 'beyond', version };
    }
    return { kind: 'busy' };
  }

  #rangeOf({ offset, lengthBytes }: BufferPart, isV1: boolean): ByteRange {
    if (isV1) return { offset: HEADER_BYTES_V1 + offset, lengthBytes };
    return rangeOfParts(this.#parts.format, { offset, lengthBytes });
  }

  #sinkFor(part: BufferPart, { stamp }: Version): Sink {
    if (!isDataObjectStamp(stamp)) return sinkInto(part.buffers);
    return new PartsSink(this.#parts.format, stamp, part);
  }
}

/** Makes an image of what was read. False if it does not fit the stamp. */
function take(image: ObjectImage, { stamp, sizeBytes }: Version): boolean {
  if (isDataObjectStamp(stamp)) return image.check(stamp);
  if (stamp === undefined || !hasWriteIdV1(image.buffer, stamp.writeId)) return false;
  image.takeV1(sizeBytes);
  return true;
}

function hasWriteIdV1(object: Uint8Array, writeId: string): boolean {
  return Buffer.from(writeId, 'hex').equals(object.subarray(0, HEADER_BYTES_V1));
}

function hasV1({ stamp }: Version): boolean {
  return stamp?.data === undefined;
}

function zero(buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) buffer.fill(0);
}
