/**
 * A file of any number of bytes in a block device: its length in the first sector, its bytes from the second on. One operation at
 * a time, as SQLite does them.
 */
export class ByteFile {
  #device;
  #sizeBytes;
  #isSizeStored = true;

  static async open(device) {
    const first = new Uint8Array(device.info.sectorSize);
    await device.read(0, [first]);
    const file = new ByteFile();
    file.#device = device;
    file.#sizeBytes = Number(new DataView(first.buffer).getBigUint64(0, true));
    return file;
  }

  get sizeBytes() {
    return this.#sizeBytes;
  }

  get sectorSize() {
    return this.#device.info.sectorSize;
  }

  /** Zeroes behind the end. */
  async read(offset, length) {
    const { start, count, skip } = this.#sectorsOf(offset, length);
    const whole = new Uint8Array(count * this.sectorSize);
    await this.#device.read(start, [whole]);
    return whole.subarray(skip, skip + length).fill(0, Math.max(0, this.#sizeBytes - offset));
  }

  async write(offset, bytes) {
    const { start, count, skip } = this.#sectorsOf(offset, bytes.byteLength);
    const isWhole = skip === 0 && bytes.byteLength === count * this.sectorSize;
    const whole = isWhole ? bytes : new Uint8Array(count * this.sectorSize);
    if (!isWhole) {
      await this.#device.read(start, [whole]);
      whole.set(bytes, skip);
    }
    await this.#device.write(start, [whole]);
    this.#setSize(Math.max(this.#sizeBytes, offset + bytes.byteLength));
  }

  truncate(sizeBytes) {
    this.#setSize(sizeBytes);
  }

  async flush() {
    if (!this.#isSizeStored) {
      const first = new Uint8Array(this.sectorSize);
      new DataView(first.buffer).setBigUint64(0, BigInt(this.#sizeBytes), true);
      await this.#device.write(0, [first]);
      this.#isSizeStored = true;
    }
    await this.#device.flush();
  }

  #setSize(sizeBytes) {
    if (sizeBytes === this.#sizeBytes) return;
    this.#sizeBytes = sizeBytes;
    this.#isSizeStored = false;
  }

  #sectorsOf(offset, length) {
    const start = Math.floor(offset / this.sectorSize);
    const end = Math.ceil((offset + length) / this.sectorSize);
    return { start: 1 + start, count: end - start, skip: offset - start * this.sectorSize };
  }
}
