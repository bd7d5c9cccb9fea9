import { BufferList } from '../lines/buffer-list.js';
import type { Geometry } from '../lines/geometry.js';
import type { Line, Sector } from '../tables/numbers.js';

/** The sectors that a request is about, line after line, and the caller's memory for them. */
export class RequestRange {
  readonly buffers: BufferList;
  readonly #geometry: Geometry;
  readonly #start: Sector;
  readonly #end: Sector;
  #line: Line;

  constructor(geometry: Geometry, start: Sector, count: number, buffers: readonly Uint8Array[]) {
    this.buffers = new BufferList(buffers);
    this.#geometry = geometry;
    this.#start = start;
    this.#end = (start + count) as Sector;
    this.#line = geometry.lineOf(start);
  }

  /** Whether all lines were served. */
  get isOver(): boolean {
    return this.#geometry.sectorOf(this.#line, 0) >= this.#end;
  }

  /** The line to serve next. */
  get line(): Line {
    return this.#line;
  }

  /** Sectors of that line that are asked for, from this one on. */
  get from(): number {
    return this.#geometry.fromIn(this.#line, this.#start);
  }

  /** And before this one. */
  get to(): number {
    return this.#geometry.toIn(this.#line, this.#end);
  }

  /** The line was served. */
  next(): void {
    this.#line++;
  }

  /** Where a sector of a line lies in the caller's memory, in bytes from its beginning. */
  byteOf(line: Line, sector: number): number {
    return (this.#geometry.sectorOf(line, sector) - this.#start) * this.#geometry.sectorSize;
  }
}
