import type { BlockDevice } from '@blockyard/block';
import { fillSector, versionIn } from './pattern.js';
import type { Range, VolumeModel } from './volume-model.js';

/** A read that gave what it must not. */
export interface WrongRead {
  readonly sector: number;
  /** The version that was there; undefined where it was none of that sector. */
  readonly version: number | undefined;
}

/** A device whose contents are known: what is written follows from the model, and what is read is compared with it. */
export class VerifiedDevice {
  readonly #device: BlockDevice;
  readonly #model: VolumeModel;
  readonly #onWrong: (wrong: WrongRead) => void;
  readonly #sectorSize: number;

  /** `onWrong` is told of the first wrong sector of each read. */
  constructor(device: BlockDevice, model: VolumeModel, onWrong: (wrong: WrongRead) => void) {
    this.#device = device;
    this.#model = model;
    this.#onWrong = onWrong;
    this.#sectorSize = device.info.sectorSize;
  }

  /** Reads, and compares. Whether it was right. */
  async read(range: Range): Promise<boolean> {
    const bytes = new Uint8Array(range.count * this.#sectorSize);
    const reading = this.#model.beginRead(range);
    await this.#device.read(range.start, [bytes]);
    for (let index = 0; index < range.count; index++) {
      const sector = range.start + index;
      const version = versionIn(this.#sectorOf(bytes, index), sector);
      if (version !== undefined && this.#model.mayRead(reading, index, version)) continue;
      this.#onWrong({ sector, version });
      return false;
    }
    return true;
  }

  /** Writes the next version. False: nothing was written, since another write of these sectors is under way. */
  async write(range: Range): Promise<boolean> {
    const writing = this.#model.beginWrite(range);
    if (writing === undefined) return false;
    let outcome: 'accepted' | 'failed' = 'failed';
    try {
      const bytes = new Uint8Array(range.count * this.#sectorSize);
      for (let index = 0; index < range.count; index++) {
        fillSector(this.#sectorOf(bytes, index), range.start + index, writing.version);
      }
      await this.#device.write(range.start, [bytes]);
      outcome = 'accepted';
    } finally {
      this.#model.endWrite(writing, outcome);
    }
    return true;
  }

  async flush(): Promise<void> {
    const flushing = this.#model.beginFlush();
    await this.#device.flush();
    this.#model.endFlush(flushing);
  }

  #sectorOf(bytes: Uint8Array, index: number): Uint8Array {
    return bytes.subarray(index * this.#sectorSize, (index + 1) * this.#sectorSize);
  }
}
