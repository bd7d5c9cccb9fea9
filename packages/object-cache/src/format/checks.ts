import { crc32 } from 'node:zlib';

/**
 * The CRC-32 of a medium: it begins with the random id of the medium, so that nothing fits that another one has written, nor
 * what a client stored in the shape of a record.
 */
export class Checks {
  readonly #seed: number;

  /** @param mediumId 16 bytes */
  constructor(mediumId: Uint8Array) {
    this.#seed = crc32(mediumId);
  }

  of(bytes: Uint8Array): number {
    return crc32(bytes, this.#seed);
  }
}
