import { type BlockDriver, BlockError, byteLengthOf } from '@blockyard/block';
import { answerOf, type Storage } from './storage.js';

/** Zeroes that are written at once. */
const ZEROES_BYTES = 1 << 20;

/** A storage as a device. It answers reads within its length alone, so that its length is the device's at all times. */
export class StorageDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  readonly #storage: Storage;
  readonly #ownsStorage: boolean;
  #sizeBytes: number;
  /** The most that it has had since it was opened. */
  #formerBytes = 0;

  constructor(
    storage: Storage,
    facts: Pick<StorageDriver, 'name' | 'sectorSize' | 'sizeSectors' | 'readOnly'>,
    ownsStorage: boolean,
  ) {
    this.#storage = storage;
    this.#ownsStorage = ownsStorage;
    this.name = facts.name;
    this.sectorSize = facts.sectorSize;
    this.sizeSectors = facts.sizeSectors;
    this.readOnly = facts.readOnly;
    this.#sizeBytes = facts.sizeSectors * facts.sectorSize;
  }

  async read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    let offset = start * this.sectorSize;
    for (const buffer of buffers) {
      const data = await answerOf<Uint8Array>((done) => this.#storage.read(offset, buffer.byteLength, done));
      if (data?.byteLength !== buffer.byteLength) {
        throw new BlockError('IO', `the storage gives ${data?.byteLength ?? 0} bytes for ${buffer.byteLength}`);
      }
      buffer.set(data);
      offset += buffer.byteLength;
    }
  }

  async write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    let at = 0;
    // A storage may keep what it is given.
    const bytes = new Uint8Array(byteLengthOf(buffers));
    for (const buffer of buffers) {
      bytes.set(buffer, at);
      at += buffer.byteLength;
    }
    await answerOf((done) => this.#storage.write(start * this.sectorSize, bytes, done));
  }

  /** There is no more to be done: the interface has no flush. */
  flush(): void {}

  async resize(sizeSectors: number): Promise<void> {
    const [from, to] = [this.#sizeBytes, sizeSectors * this.sectorSize];
    await this.#truncate(to);
    try {
      if (to > from) await this.#zero(from, Math.min(to, this.#formerBytes));
    } catch (error) {
      await this.#truncate(from);
      throw error;
    }
    this.#formerBytes = Math.max(this.#formerBytes, from);
    this.#sizeBytes = to;
  }

  async disconnect(): Promise<void> {
    if (this.#ownsStorage) await answerOf((done) => this.#storage.close(done));
  }

  async #truncate(sizeBytes: number): Promise<void> {
    await answerOf((done) => this.#storage.truncate(sizeBytes, done));
  }

  /** There are storages that remember what was dropped when they grow again. */
  async #zero(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += ZEROES_BYTES) {
      const zeroes = new Uint8Array(Math.min(ZEROES_BYTES, to - at));
      await answerOf((done) => this.#storage.write(at, zeroes, done));
    }
  }
}
