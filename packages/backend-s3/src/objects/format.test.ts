import { newId } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { type DataObjectStamp, ObjectFormat } from './format.js';
import { type ImageFacts, ObjectImage } from './image.js';
import { PartsSink, rangeOfParts } from './parts-sink.js';
import type { Patch } from './patch.js';

const SECTOR = 512;
const OBJECT_BYTES = 8 * SECTOR;
const VOLUME = 'a'.repeat(32);

/** Parts of less than a piece of the network, and an object that is not whole parts. */
const PART_SIZES = [SECTOR, 3 * SECTOR, 4 * SECTOR, 16 * SECTOR];

const factsOf = (partSizeBytes: number): ImageFacts => ({
  format: new ObjectFormat(partSizeBytes),
  volumeId: VOLUME,
  sectorSize: SECTOR,
  objectSizeBytes: OBJECT_BYTES,
});

function stampOf(dataBytes: number, index = 3): DataObjectStamp {
  return { volumeId: VOLUME, epoch: 7, writeId: newId(), data: { index, opening: newId(), dataBytes } };
}

const sectors = (first: number, values: readonly number[]): Patch => ({
  offset: first * SECTOR,
  lengthBytes: values.length * SECTOR,
  buffers: values.map((value) => new Uint8Array(SECTOR).fill(value)),
});
const zeroes = (first: number, count: number): Patch => ({ offset: first * SECTOR, lengthBytes: count * SECTOR });

/** Makes an object of patches, and one after the other of what is given for changes. Also what the model says it holds. */
function stored(facts: ImageFacts, changes: readonly (readonly Patch[])[]) {
  const image = new ObjectImage(facts, 3, 0);
  const model = new Uint8Array(OBJECT_BYTES);
  let stamp = stampOf(0);
  let bytes = image.seal(stamp);
  for (const patches of changes) {
    expect(image.check(stamp)).toBe(true);
    image.apply(patches);
    for (const { offset, lengthBytes, buffers } of patches) {
      if (buffers === undefined) model.fill(0, offset, offset + lengthBytes);
      else model.set(Buffer.concat(buffers), offset);
    }
    stamp = stampOf(image.dataBytes);
    bytes = image.seal(stamp);
  }
  return { bytes: bytes.slice(), stamp, model };
}

/** Reads a range of an object as it comes over the network, in pieces of a size. */
function read(facts: ImageFacts, object: Uint8Array, stamp: DataObjectStamp, range: Patch, pieceBytes: number) {
  const target = new Uint8Array(range.lengthBytes).fill(0xee);
  const sink = new PartsSink(facts.format, stamp, {
    index: stamp.data.index,
    offset: range.offset,
    lengthBytes: range.lengthBytes,
    buffers: [target.subarray(0, 100), target.subarray(100)],
  });
  const { offset, lengthBytes } = rangeOfParts(facts.format, range);
  const body = object.subarray(offset, offset + lengthBytes);
  for (let at = 0; at < body.byteLength; at += pieceBytes) sink.push(body.subarray(at, at + pieceBytes));
  sink.end();
  return { target, damage: sink.damage };
}

const CHANGES: readonly (readonly Patch[])[] = [
  [sectors(1, [1, 2, 3])],
  [sectors(6, [4]), zeroes(2, 1)],
  [zeroes(4, 4)],
  [sectors(7, [9])],
  [sectors(0, [5, 6, 7]), sectors(1, [8]), zeroes(5, 3)],
  [sectors(2, [0, 0])],
];

describe.each(PART_SIZES)('parts of %i bytes', (partSizeBytes) => {
  const facts = factsOf(partSizeBytes);

  test('an object holds what was written to it, change upon change, and no zero sectors at its end', () => {
    for (let count = 1; count <= CHANGES.length; count++) {
      const { bytes, stamp, model } = stored(facts, CHANGES.slice(0, count));
      expect(bytes.byteLength).toBe(facts.format.objectBytes(stamp.data.dataBytes));
      const { target, damage } = read(facts, bytes, stamp, zeroes(0, 8), 70_000);
      expect(damage).toBeUndefined();
      expect(Buffer.compare(target, model)).toBe(0);
      expect(model.subarray(stamp.data.dataBytes).every((byte) => byte === 0)).toBe(true);
      const last = model.subarray(stamp.data.dataBytes - SECTOR, stamp.data.dataBytes);
      expect(last.some((byte) => byte !== 0)).toBe(true);
    }
  });

  test('any range of it is read as it is, in pieces of any size', () => {
    const { bytes, stamp, model } = stored(facts, CHANGES.slice(0, 4));
    for (let first = 0; first < 8; first++) {
      for (let count = 1; first + count <= 8; count++) {
        for (const pieceBytes of [1, 333, 4096]) {
          const { target, damage } = read(facts, bytes, stamp, zeroes(first, count), pieceBytes);
          expect(damage).toBeUndefined();
          const expected = model.subarray(first * SECTOR, (first + count) * SECTOR);
          expect(Buffer.compare(target, expected), `${count} from ${first}`).toBe(0);
        }
      }
    }
  });

  test('every flipped bit is found: wherever it is', () => {
    const { bytes, stamp } = stored(facts, CHANGES.slice(0, 1));
    for (let byte = 0; byte < bytes.byteLength; byte++) {
      const damaged = bytes.slice();
      damaged[byte] = (damaged[byte] ?? 0) ^ (1 << (byte % 8));
      const image = new ObjectImage(facts, 3, OBJECT_BYTES);
      image.buffer.set(damaged);
      expect(image.check(stamp), `byte ${byte}`).toBe(false);
      if (byte % 61 !== 0) continue;
      const { damage } = read(facts, damaged, stamp, zeroes(0, 8), 4096);
      expect(damage !== undefined, `byte ${byte}`).toBe(true);
    }
  });

  test('an object in the place of another, or of another volume, does not fit its checksums', () => {
    const { bytes, stamp } = stored(facts, CHANGES.slice(0, 1));
    const moved = { ...stamp, data: { ...stamp.data, index: 4 } };
    expect(read(facts, bytes, moved, zeroes(0, 8), 4096).damage).toBeDefined();
    const image = new ObjectImage({ ...facts, volumeId: 'b'.repeat(32) }, 3, OBJECT_BYTES);
    image.buffer.set(bytes);
    expect(image.check(stamp)).toBe(false);
  });

  test('parts of two versions are found by a full check', () => {
    const older = stored(facts, [[sectors(0, [1, 1, 1, 1, 1, 1, 1, 1])]]);
    const newer = stored(facts, [[sectors(0, [2, 2, 2, 2, 2, 2, 2, 2])]]);
    const from = facts.format.partStart(facts.format.partsIn(OBJECT_BYTES) - 1);
    const image = new ObjectImage(facts, 3, OBJECT_BYTES);
    image.buffer.set(newer.bytes);
    image.buffer.set(older.bytes.subarray(from), from);
    expect(image.check(newer.stamp)).toBe(false);
  });

  test('a part that a change leaves alone keeps its checksum, even where it does not fit', () => {
    const { bytes, stamp } = stored(facts, [[sectors(0, [1, 1, 1, 1, 1, 1, 1, 1])]]);
    const image = new ObjectImage(facts, 3, OBJECT_BYTES);
    image.buffer.set(bytes);
    expect(image.check(stamp)).toBe(true);
    // A bit that flips in memory, after the check.
    const victim = facts.format.partStart(0) + 5;
    image.buffer[victim] = 99;
    image.apply([sectors(7, [3])]);
    const next = stampOf(image.dataBytes);
    const { damage } = read(facts, image.seal(next), next, zeroes(0, 1), 4096);
    expect(damage !== undefined).toBe(partSizeBytes < OBJECT_BYTES);
  });
});

test('an object of another size of parts does not fit', () => {
  const { bytes, stamp } = stored(factsOf(SECTOR), [[sectors(0, [1])]]);
  const image = new ObjectImage(factsOf(2 * SECTOR), 3, OBJECT_BYTES);
  image.buffer.set(bytes);
  expect(image.check(stamp)).toBe(false);
});
