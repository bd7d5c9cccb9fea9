import { crcOf, fixed, Numbers } from './numbers.js';
import type { Checkpoint, Root } from './root.js';
import { checkOf, type Identity, identityBytes, openTrailed, volumeKeyOf } from './sealing.js';

/** The objects of a store, by their keys. */
export type Objects = ReadonlyMap<string, Uint8Array>;

/** Where a sector is: object id and slot. */
type Where = readonly [object: number, slot: number];

/** An epoch of the volume, or of one of its bases. */
interface Epoch {
  readonly base: number;
  readonly epoch: number;
  readonly opening: string;
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/**
 * Reads volumes by what docs/log-volume.md says, and by nothing else of this repository: what it cannot read is not written there,
 * or not as it is.
 */
export class VolumeReader {
  readonly #objects: Objects;
  readonly #root: Root;
  readonly #volumes: readonly { readonly volumeId: string; readonly prefix: string }[];
  readonly #key: Buffer | undefined;
  readonly #map = new Map<number, Where>();
  readonly #epochOf = new Map<number, Epoch>();
  #sizeSectors: number;
  #next = 1;

  constructor(objects: Objects, prefix: string, secret: string | Uint8Array = '') {
    this.#objects = objects;
    this.#root = JSON.parse(Buffer.from(this.#get(`${prefix}/volume.json`)).toString()) as Root;
    const { format, version, layout, volumeId, bases, check } = this.#root;
    expectEqual([format, version, layout], ['blockyard-volume', 2, 'log']);
    this.#key = volumeKeyOf(this.#root, secret);
    expectEqual(check, checkOf(this.#root, this.#key));
    this.#volumes = [{ volumeId, prefix }, ...bases];
    this.#sizeSectors = this.#root.sizeSectors;
  }

  /** The bytes of the volume, or of a snapshot. */
  read(snapshot?: string): Buffer {
    const found = snapshot === undefined ? undefined : this.#root.snapshots.find(({ name }) => name === snapshot);
    const { checkpoint, epochs } = found ?? this.#root;
    if (checkpoint !== null) this.#readCheckpoint(checkpoint);
    const last = found?.through ?? Number.POSITIVE_INFINITY;
    for (const span of epochs) {
      for (; this.#next <= last && this.#next < (span.end ?? Number.POSITIVE_INFINITY); this.#next++) {
        if (!this.#replay(2 * this.#next, span, span.end !== null)) break;
      }
    }
    return this.#contents();
  }

  #get(key: string): Uint8Array {
    const body = this.#objects.get(key);
    if (body === undefined) throw new Error(`${key} is gone`);
    return body;
  }

  #dataKey(object: number, { base, epoch }: Epoch): string {
    const folder = object % 2 === 0 ? 'log' : 'pack';
    return `${this.#volume(base).prefix}/${folder}/${hex(Math.floor(object / 2), 12)}-${hex(epoch, 8)}`;
  }

  #volume(base: number) {
    const volume = this.#volumes[base];
    if (volume === undefined) throw new Error(`there is no base ${base}`);
    return volume;
  }

  /** A part of a map object. */
  #mapBlob(at: Omit<Checkpoint, 'opening'>, opening: string): Numbers {
    const { base, generation, epoch, part, offset, lengthBytes } = at;
    const { prefix, volumeId } = this.#volume(base);
    const body = this.#get(`${prefix}/map/${hex(generation, 12)}-${hex(epoch, 8)}-${hex(part, 4)}`);
    const identity: Identity = { volumeId, kind: 2, number: generation, part, epoch };
    const sealed = body.subarray(offset, offset + lengthBytes);
    const bound = { place: offset, position: lengthBytes - 16 };
    return new Numbers(openTrailed(sealed, identity, bound, { key: this.#key, opening }));
  }

  #readCheckpoint(checkpoint: Checkpoint): void {
    const directory = this.#mapBlob(checkpoint, checkpoint.opening);
    const [version, generation, through, sizeSectors] = directory.varints(5) as [number, number, number, number];
    expectEqual([version, generation], [1, checkpoint.generation]);
    this.#next = through + 1;
    this.#sizeSectors = sizeSectors;
    const openings = new Map<string, string>();
    for (let left = directory.varint(); left > 0; left--) {
      const [base, epoch] = directory.varints(2) as [number, number];
      openings.set(`${base + checkpoint.base}/${epoch}`, Buffer.from(directory.bytes(16)).toString('hex'));
    }
    const openingOf = (base: number, epoch: number) => openings.get(`${base}/${epoch}`) ?? '';
    let object = 0;
    for (let left = directory.varint(); left > 0; left--) {
      object += directory.varint();
      const [epoch, of] = directory.varints(7) as [number, number];
      const base = of + checkpoint.base;
      this.#epochOf.set(object, { base, epoch, opening: openingOf(base, epoch) });
    }
    const maps = Array.from({ length: directory.varint() }, () => {
      const [generationOf, epoch, part, base] = directory.varints(7) as [number, number, number, number];
      return { generation: generationOf, epoch, part, base: base + checkpoint.base };
    });
    let region = 0;
    for (let left = directory.varint(); left > 0; left--) {
      region += directory.varint();
      for (let payloads = directory.varint(); payloads > 0; payloads--) {
        const [index, offset, lengthBytes] = directory.varints(3) as [number, number, number];
        const map = maps[index];
        if (map === undefined) throw new Error(`there is no map object ${index}`);
        this.#readPayload(region, this.#mapBlob({ ...map, offset, lengthBytes }, openingOf(map.base, map.epoch)));
      }
    }
    expectEqual(directory.isAtEnd, true);
  }

  #readPayload(region: number, payload: Numbers): void {
    const sectors = 2 ** 28 / this.#root.sectorSize;
    const start = region * sectors;
    const [version, kind] = payload.bytes(2);
    expectEqual(version, 1);
    if (kind === 0) this.#readRuns(start, sectors, payload);
    for (let at = 0; kind === 1; ) {
      at += payload.varint();
      if (at === sectors) break;
      const count = payload.varint();
      this.#zero(start + at, count);
      this.#readRuns(start + at, count, payload);
      at += count;
    }
    expectEqual(payload.isAtEnd, true);
  }

  #readRuns(start: number, sectors: number, payload: Numbers): void {
    let object = 0;
    for (let at = payload.varint(); at !== sectors; at += payload.varint()) {
      const count = payload.varint();
      object += payload.signed();
      this.#set(start + at, count, object, payload.varint());
      at += count;
    }
  }

  /** Makes the changes of a segment. False: it is the end of the log. */
  #replay(object: number, span: Epoch, mustBe: boolean): boolean {
    const key = this.#dataKey(object, span);
    if (!mustBe && !this.#objects.has(key)) return false;
    const body = Buffer.from(this.#get(key));
    const { volumeId } = this.#volume(span.base);
    const magic = body.toString('latin1', 0, 8);
    const head = [Buffer.from(volumeId, 'hex'), fixed([object, 8], [span.epoch, 4], [this.#root.sectorSize, 4])];
    expectEqual(body.subarray(8, 40).equals(Buffer.concat(head)), true);
    expectEqual(body.readUInt32LE(60), crcOf(body.subarray(0, 60)));
    if (magic === 'blkyfenc') return false;
    expectEqual(magic, 'blkylog1');
    this.#apply(object, this.#indexOf(body, { volumeId, kind: 1, number: object, part: 0, epoch: span.epoch }, span));
    this.#epochOf.set(object, span);
    return true;
  }

  #indexOf(body: Buffer, identity: Identity, { opening }: Epoch): Numbers {
    const foot = body.subarray(-32);
    expectEqual(foot.toString('latin1', 0, 8), 'blkyfoot');
    expectEqual(foot.readUInt32LE(28), crcOf(identityBytes(identity), foot.subarray(0, 28)));
    const indexBytes = foot.readUInt32LE(8);
    expectEqual(body.byteLength, 64 + foot.readUInt32LE(12) * (this.#root.sectorSize + 16) + indexBytes + 32);
    const sealed = body.subarray(-32 - indexBytes, -32);
    const bound = { place: 2 ** 24, position: indexBytes - 16 };
    return new Numbers(openTrailed(sealed, identity, bound, { key: this.#key, opening }));
  }

  #apply(object: number, index: Numbers): void {
    expectEqual(index.varint(), 1);
    if (index.varint() === 1) {
      const lowest = index.varint();
      for (const sector of [...this.#map.keys()]) if (sector >= lowest) this.#map.delete(sector);
      this.#sizeSectors = index.varint();
    }
    let at = 0;
    for (let left = index.varint(); left > 0; left--) {
      at += index.varint();
      const count = index.varint();
      this.#zero(at, count);
      at += count;
    }
    let [sector, slot] = [0, 0];
    for (let left = index.varint(); left > 0; left--) {
      sector += index.varint();
      const count = index.varint();
      slot += index.signed();
      this.#set(sector, count, object, slot);
      sector += count;
      slot += count;
    }
    expectEqual(index.isAtEnd, true);
  }

  #zero(start: number, count: number): void {
    for (let sector = start; sector < start + count; sector++) this.#map.delete(sector);
  }

  #set(start: number, count: number, object: number, slot: number): void {
    for (let at = 0; at < count; at++) this.#map.set(start + at, [object, slot + at]);
  }

  #contents(): Buffer {
    const { sectorSize } = this.#root;
    const bytes = Buffer.alloc(this.#sizeSectors * sectorSize);
    for (const [sector, [object, slot]] of this.#map) {
      const of = this.#epochOf.get(object);
      if (of === undefined) throw new Error(`object ${object} is in no list`);
      const { volumeId } = this.#volume(of.base);
      const identity: Identity = { volumeId, kind: 1, number: object, part: 0, epoch: of.epoch };
      const offset = 64 + slot * (sectorSize + 16);
      const sealed = this.#get(this.#dataKey(object, of)).subarray(offset, offset + sectorSize + 16);
      const bound = { place: slot, position: sector };
      bytes.set(openTrailed(sealed, identity, bound, { key: this.#key, opening: of.opening }), sector * sectorSize);
    }
    return bytes;
  }
}

function expectEqual(found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`found ${a} in place of ${b}`);
}
