import { type Extent, mergeExtents } from '@blockyard/block';

/** Makes extents of runs of bytes that are zero: a sector is zero where all of it is. */
export class ZeroRuns {
  readonly #start: number;
  readonly #end: number;
  readonly #sectorSize: number;
  readonly #extents: Extent[] = [];
  /** First sector that is not told of yet. */
  #told: number;
  /** The run that may go on with the next one. */
  #from = 0;
  #to = 0;

  constructor(start: number, count: number, sectorSize: number) {
    this.#start = start;
    this.#end = start + count;
    this.#sectorSize = sectorSize;
    this.#told = start;
  }

  get extents(): number {
    return this.#extents.length;
  }

  /** Bytes that are zero, behind those of the runs before. */
  add(from: number, to: number): void {
    if (from >= to) return;
    if (from !== this.#to) {
      this.#tell();
      this.#from = from;
    }
    this.#to = to;
  }

  /** The extents of all sectors. */
  end(): Extent[] {
    this.#tell();
    this.#push(this.#end, 'data');
    return mergeExtents(this.#extents, this.#start, this.#end - this.#start);
  }

  #tell(): void {
    const first = Math.ceil(this.#from / this.#sectorSize);
    const end = Math.floor(this.#to / this.#sectorSize);
    if (first >= end || end <= this.#told) return;
    this.#push(first, 'data');
    this.#push(end, 'zero');
  }

  #push(end: number, type: Extent['type']): void {
    if (end > this.#told) this.#extents.push({ start: this.#told, count: end - this.#told, type });
    this.#told = Math.max(this.#told, end);
  }
}
