import { BlockError } from '@blockyard/block';
import { ByteReader, ByteWriter } from './bytes.js';
import { EPOCH_MAX, NUMBER_MAX, SLOT_MAX } from './keys.js';
import type { DataRow, MapRow } from './rows.js';

/** Where a payload of a region is: a blob of an object of the map. */
export interface Piece {
  /** Index in the directory's list of map objects. */
  readonly mapObject: number;
  readonly offset: number;
  /** With its trailer. */
  readonly lengthBytes: number;
}

/** A region that has something: its base first, then deltas in order. */
export interface RegionPieces {
  readonly region: number;
  readonly pieces: readonly Piece[];
}

/** Everything that a checkpoint knows, but for the regions' payloads. */
export interface Directory {
  readonly generation: number;
  /** Number of the last segment whose changes are in it. */
  readonly through: number;
  readonly sizeSectors: number;
  /** Number of the next pack. */
  readonly nextPack: number;
  /** Salts of the epochs that objects of an encrypted volume were sealed in. */
  readonly salts: readonly EpochSalt[];
  readonly data: readonly DataRow[];
  readonly maps: readonly MapRow[];
  readonly regions: Iterable<RegionPieces>;
}

/** 32 hexadecimal digits, new with each opening. */
export interface EpochSalt {
  /** Of which volume: 0 for this one, else the number of a base. */
  readonly base: number;
  readonly epoch: number;
  readonly salt: string;
}

const VERSION = 1;
const SALT_BYTES = 16;

/**
 * All varints, but for salts (16 bytes each):
 *
 * - version (1), generation, through, size in sectors, next pack
 * - number of salts; of each: base, epoch, the salt
 * - number of data objects, ascending by id; of each: id less the one before, epoch, base, size in bytes, slots, live, born, dead
 * - number of map objects; of each: generation, epoch, part, base, size in bytes, live bytes, dead
 * - number of regions, ascending; of each: number less the one before, how many pieces; of each: map object, offset, length
 */
export function encodeDirectory(directory: Directory): Uint8Array {
  const { generation, through, sizeSectors, nextPack, salts, data, maps } = directory;
  const writer = new ByteWriter(1024 + 20 * data.length);
  for (const value of [VERSION, generation, through, sizeSectors, nextPack, salts.length]) writer.varint(value);
  for (const { base, epoch, salt } of salts) {
    writer.varint(base);
    writer.varint(epoch);
    writer.put(Buffer.from(salt, 'hex'));
  }
  writer.varint(data.length);
  let object = 0;
  for (const row of data) {
    writer.varint(row.object - object);
    object = row.object;
    for (const value of [row.epoch, row.base, row.sizeBytes, row.slots, row.live, row.born, row.dead]) {
      writer.varint(value);
    }
  }
  writer.varint(maps.length);
  for (const row of maps) {
    const values = [row.generation, row.epoch, row.part, row.base, row.sizeBytes, row.liveBytes, row.dead];
    for (const value of values) writer.varint(value);
  }
  const regions = [...directory.regions];
  writer.varint(regions.length);
  let last = 0;
  for (const { region, pieces } of regions) {
    writer.varint(region - last);
    last = region;
    writer.varint(pieces.length);
    for (const { mapObject, offset, lengthBytes } of pieces) {
      writer.varint(mapObject);
      writer.varint(offset);
      writer.varint(lengthBytes);
    }
  }
  return writer.bytes;
}

/** Throws `CORRUPT`, or `UNSUPPORTED` for a later version. */
export function decodeDirectory(bytes: Uint8Array, where: string): Directory {
  const reader = new ByteReader(bytes, where);
  const version = reader.varint();
  if (version !== VERSION) throw new BlockError('UNSUPPORTED', `${where}: directory version ${version} is not known`);
  const [generation, through, sizeSectors, nextPack] = [
    reader.varint(),
    reader.varint(),
    reader.varint(),
    reader.varint(),
  ];
  const salts = listOf(reader, () => ({
    base: reader.varint(),
    epoch: atMost(reader, EPOCH_MAX),
    salt: Buffer.from(reader.take(SALT_BYTES)).toString('hex'),
  }));
  let object = 0;
  const data = listOf(reader, () => {
    object += reader.varint();
    if (object > NUMBER_MAX * 2 + 1) throw reader.corrupt(`object ${object} is too high`);
    return {
      object,
      epoch: atMost(reader, EPOCH_MAX),
      base: reader.varint(),
      sizeBytes: reader.varint(),
      slots: atMost(reader, SLOT_MAX + 1),
      live: atMost(reader, SLOT_MAX + 1),
      born: reader.varint(),
      dead: reader.varint(),
    };
  });
  const maps = listOf(reader, () => ({
    generation: reader.varint(),
    epoch: atMost(reader, EPOCH_MAX),
    part: reader.varint(),
    base: reader.varint(),
    sizeBytes: reader.varint(),
    liveBytes: reader.varint(),
    dead: reader.varint(),
  }));
  let region = 0;
  const regions = listOf(reader, () => {
    region += reader.varint();
    const pieces = listOf(reader, () => ({
      mapObject: atMost(reader, maps.length - 1),
      offset: reader.varint(),
      lengthBytes: reader.varint(),
    }));
    return { region, pieces };
  });
  reader.end();
  return { generation, through, sizeSectors, nextPack, salts, data, maps, regions };
}

function listOf<T>(reader: ByteReader, item: () => T): T[] {
  const length = reader.varint();
  // Each item has a byte at least: a length that was damaged must not take the memory of the process.
  if (length > reader.leftBytes) throw reader.corrupt(`has a list of ${length}`);
  const items: T[] = [];
  for (let left = length; left > 0; left--) items.push(item());
  return items;
}

function atMost(reader: ByteReader, max: number): number {
  const value = reader.varint();
  if (value > max) throw reader.corrupt(`${value} is more than ${max}`);
  return value;
}
