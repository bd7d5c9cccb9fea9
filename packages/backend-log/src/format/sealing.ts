/** What a slot has behind its data, and a blob behind its bytes. */
export const TRAILER_BYTES = 16;

/** What is bound into each check: an object that was put in another's place, or belongs to another volume, is found out. */
export interface Identity {
  /** 32 hexadecimal digits: of the volume that wrote the object. */
  readonly volumeId: string;
  readonly kind: 'data' | 'map' | 'fence';
  /** The object's id; of a map object its generation. */
  readonly number: number;
  /** 0 for objects of data. */
  readonly part: number;
  readonly epoch: number;
}

/** Protects the parts of one object: with checksums, or by encryption. */
export interface Sealer {
  /** Whether `seal` changes the data, so that it must not be done in memory that is read meanwhile. */
  readonly isEncrypting: boolean;
  /**
   * Seals data in place, and writes its trailer. `place` is a number that no other part of the object has (the slot's, or one
   * above all slots), `position` the sector's number, or of a blob its length.
   */
  seal(place: number, position: number, data: Uint8Array, trailer: Uint8Array): void;
  /** Opens data in place. Throws `CORRUPT`, beginning with `where`, if it is not what was sealed under these numbers. */
  open(place: number, position: number, data: Uint8Array, trailer: Uint8Array, where: string): void;
}

/** Gives the sealer of each object. */
export interface Sealing {
  /** Of an object whose epoch was added before. */
  sealerOf(identity: Identity): Sealer;
  /** Which opening of a volume had an epoch: with encryption it is the salt of the objects' keys. */
  addEpoch(volumeId: string, epoch: number, opening: string): void;
}

/** The place of a segment's index: above all slots. A map object's blobs are placed by their offset in it. */
export const INDEX_PLACE = 2 ** 24;

/** A copy of the bytes, sealed, with the trailer behind them. */
export function sealBlob(sealer: Sealer, place: number, bytes: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(bytes.byteLength + TRAILER_BYTES);
  sealed.set(bytes);
  sealer.seal(place, bytes.byteLength, sealed.subarray(0, bytes.byteLength), sealed.subarray(bytes.byteLength));
  return sealed;
}

/** What {@link sealBlob} sealed. In place: the result is a view. */
export function openBlob(sealer: Sealer, place: number, sealed: Uint8Array, where: string): Uint8Array {
  const lengthBytes = Math.max(0, sealed.byteLength - TRAILER_BYTES);
  const bytes = sealed.subarray(0, lengthBytes);
  sealer.open(place, lengthBytes, bytes, sealed.subarray(lengthBytes), where);
  return bytes;
}
