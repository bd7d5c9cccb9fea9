import { BlockError, SECTOR_SIZE_MAX, SECTOR_SIZE_MIN } from '@blockyard/block';
import type { SyncHandle } from './handles.js';
import { DATA_START_BYTES, decodeHeaders, encodeHeader, type Header, SLOT_BYTES, SLOTS } from './header.js';

/** Zeroes in one write. */
const ZEROES_BYTES = 1 << 20;

/**
 * The file of a volume: two slots for its header, then its sectors. The file ends where the last sector that was ever written
 * does; what lies behind is zeroes and takes no space.
 */
export class VolumeFile {
  readonly #handle: SyncHandle;
  #header: Header;
  /** Length of the file. */
  #lengthBytes: number;

  private constructor(handle: SyncHandle, header: Header) {
    this.#handle = handle;
    this.#header = header;
    this.#lengthBytes = handle.getSize();
  }

  /** What is in the file, or undefined where its creation was not completed. `CORRUPT` if it is no volume. */
  static open(handle: SyncHandle): VolumeFile | undefined {
    const slots = new Uint8Array(SLOTS * SLOT_BYTES);
    readFully(handle, slots, 0);
    const header = decodeHeaders(slots);
    if (header === undefined) return undefined;
    checkHeader(header);
    return new VolumeFile(handle, header);
  }

  /** Makes the file one of zeroes, durable. The header comes last: without one the volume is not there. */
  static create(handle: SyncHandle, sectorSize: number, sizeSectors: number): void {
    handle.truncate(0);
    handle.truncate(DATA_START_BYTES);
    handle.flush();
    writeFully(handle, encodeHeader({ sectorSize, sizeSectors, generation: 1 }), slotOf(1));
    handle.flush();
  }

  get sectorSize(): number {
    return this.#header.sectorSize;
  }

  get sizeSectors(): number {
    return this.#header.sizeSectors;
  }

  /** Sectors up to the end of the last one that the file holds; the others are zeroes. */
  get storedSectors(): number {
    const stored = Math.ceil((this.#lengthBytes - DATA_START_BYTES) / this.sectorSize);
    return Math.min(Math.max(0, stored), this.sizeSectors);
  }

  read(sector: number, buffers: readonly Uint8Array[]): void {
    let at = this.#positionOf(sector);
    for (const buffer of buffers) {
      readFully(this.#handle, buffer, at);
      at += buffer.byteLength;
    }
  }

  write(sector: number, buffers: readonly Uint8Array[]): void {
    let at = this.#positionOf(sector);
    try {
      for (const buffer of buffers) {
        writeFully(this.#handle, buffer, at);
        at += buffer.byteLength;
        this.#lengthBytes = Math.max(this.#lengthBytes, at);
      }
    } catch (error) {
      this.#dropTornEnd();
      throw error;
    }
  }

  /** Makes the range read as zeroes. Where it reaches the end of the file, it gives its space back. */
  zero(sector: number, count: number): void {
    const from = this.#positionOf(sector);
    const to = this.#positionOf(sector + count);
    if (to >= this.#lengthBytes) {
      if (from < this.#lengthBytes) this.#truncate(from);
      return;
    }
    const zeroes = new Uint8Array(Math.min(ZEROES_BYTES, to - from));
    for (let at = from; at < to; at += zeroes.byteLength) {
      writeFully(this.#handle, zeroes.subarray(0, Math.min(zeroes.byteLength, to - at)), at);
    }
  }

  /** Throws, with everything as it was, if the medium fails. */
  resize(sizeSectors: number): void {
    const end = this.#positionOf(sizeSectors);
    if (sizeSectors >= this.sizeSectors) {
      this.dropBeyondEnd();
      this.#setSize(sizeSectors);
      return;
    }
    const before = this.sizeSectors;
    this.#setSize(sizeSectors);
    if (this.#lengthBytes <= end) return;
    try {
      // No crash may find the old size, and the data gone.
      this.#handle.flush();
    } catch (error) {
      this.#setSize(before);
      throw error;
    }
    try {
      this.#truncate(end);
    } catch {
      // What lies beyond the end is dropped before the volume grows, or when it is opened.
    }
  }

  /** Drops what lies beyond the end of the volume: a shrink that was not completed left it. */
  dropBeyondEnd(): void {
    const end = this.#positionOf(this.sizeSectors);
    if (this.#lengthBytes > end) this.#truncate(end);
  }

  flush(): void {
    this.#handle.flush();
  }

  close(): void {
    this.#handle.close();
  }

  #positionOf(sector: number): number {
    return DATA_START_BYTES + sector * this.sectorSize;
  }

  /** Into the slot of the older header: the newer one stays whole until this one is. */
  #setSize(sizeSectors: number): void {
    const header = { ...this.#header, sizeSectors, generation: this.#header.generation + 1 };
    writeFully(this.#handle, encodeHeader(header), slotOf(header.generation));
    this.#header = header;
  }

  #truncate(lengthBytes: number): void {
    this.#handle.truncate(lengthBytes);
    this.#lengthBytes = lengthBytes;
  }

  /** A write has failed. If it made the file longer by a part of a sector, that part goes. */
  #dropTornEnd(): void {
    const before = this.#lengthBytes;
    this.#lengthBytes = this.#handle.getSize();
    const torn = (this.#lengthBytes - DATA_START_BYTES) % this.sectorSize;
    if (this.#lengthBytes > before && torn > 0) this.#truncate(this.#lengthBytes - torn);
  }
}

function slotOf(generation: number): number {
  return (generation % SLOTS) * SLOT_BYTES;
}

function checkHeader({ sectorSize, sizeSectors }: Header): void {
  const isPower =
    sectorSize >= SECTOR_SIZE_MIN && sectorSize <= SECTOR_SIZE_MAX && (sectorSize & (sectorSize - 1)) === 0;
  if (!isPower || !Number.isSafeInteger(sizeSectors * sectorSize)) {
    throw new BlockError('CORRUPT', `the header tells of ${sizeSectors} sectors of ${sectorSize} bytes`);
  }
}

/** Browsers take only memory that is an ordinary `ArrayBuffer`; other kinds are copied on their way. */
function isOrdinary(bytes: Uint8Array): boolean {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && (buffer as { readonly resizable?: boolean }).resizable !== true;
}

/** Fills the buffer; with zeroes what lies behind the end of the file. */
function readFully(handle: SyncHandle, buffer: Uint8Array, at: number): void {
  const target = isOrdinary(buffer) ? buffer : new Uint8Array(buffer.byteLength);
  let done = 0;
  while (done < target.byteLength) {
    const count = handle.read(target.subarray(done), { at: at + done });
    if (count <= 0) break;
    done += count;
  }
  target.fill(0, done);
  if (target !== buffer) buffer.set(target);
}

function writeFully(handle: SyncHandle, buffer: Uint8Array, at: number): void {
  const source = isOrdinary(buffer) ? buffer : new Uint8Array(buffer);
  for (let done = 0; done < source.byteLength; ) {
    const count = handle.write(source.subarray(done), { at: at + done });
    if (count <= 0) throw new BlockError('IO', `the browser wrote nothing of ${source.byteLength - done} bytes`);
    done += count;
  }
}
