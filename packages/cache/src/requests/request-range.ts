import { BufferList } from '../lines/buffer-list.js';
import type { Geometry } from '../lines/geometry.js';

/** The sectors that a request is about, line after line, and the caller's memory for them. */
export class RequestRange {
  readonly buffers: BufferList;
  readonly #geometry: Geometry;
  readonly #start: number;
  readonly #end: number;
  #line: number;

  constructor(geometry: Geometry, start: number, count: number, buffers: readonly Uint8Array[]) {
    this.#geometry = geometry;
    this.#start = start;
    this.#end = start + count;
    this.buffers = new BufferList(buffers);
    this.#line = Math.floor(start / geometry.sectorsPerLine);
  }

  /** Whether all lines were served. */
  get isOver(): boolean {
    return this.#line * this.#geometry.sectorsPerLine >= this.#end;
  }

  /** The line to serve next. */
  get line(): number {
    return this.#line;
  }

  /** The first sector of that line that is asked for. */
  get from(): number {
    return Math.max(this.#start - this.#line * this.#geometry.sectorsPerLine, 0);
  }

  /** The sector of that line before which the request ends; of a line that it goes beyond, the number of its sectors. */
  get to(): number {
    const { sectorsPerLine } = this.#geometry;
    return Math.min(this.#end - this.#line * sectorsPerLine, sectorsPerLine);
  }

  /** The line was served. */
  next(): void {
    this.#line++;
  }

  /** Where a sector of a line lies in the caller's memory, in bytes from its beginning. */
  byteOf(line: number, sector: number): number {
    const { sectorsPerLine, sectorSize } = this.#geometry;
    return (line * sectorsPerLine + sector - this.#start) * sectorSize;
  }
}
