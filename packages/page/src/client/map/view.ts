/** What is looked at. */
export interface Wanted {
  readonly startSector: number;
  /** Undefined: to the end of the device. */
  readonly countSectors: number | undefined;
  readonly maxCells: number;
}

/** What a map may show at least, in sectors. */
const SECTORS_MIN = 16;

/** The part of the device that the map shows. Undefined parts are those of the whole device. */
export class View {
  #start = 0;
  #count: number | undefined;
  #deviceSectors = 0;

  get start(): number {
    return this.#start;
  }

  get count(): number {
    return this.#count ?? this.#deviceSectors;
  }

  get isWhole(): boolean {
    return this.#count === undefined;
  }

  /** The device may have been resized, or be another. */
  follow(deviceSectors: number): void {
    this.#deviceSectors = deviceSectors;
    if (this.#count !== undefined) this.set(this.#start, this.#count);
  }

  set(start: number, count: number): void {
    if (count >= this.#deviceSectors) {
      this.#start = 0;
      this.#count = undefined;
      return;
    }
    this.#count = Math.max(Math.min(SECTORS_MIN, this.#deviceSectors), Math.round(count));
    this.#start = Math.max(0, Math.min(this.#deviceSectors - this.#count, Math.round(start)));
  }

  whole(): void {
    this.#start = 0;
    this.#count = undefined;
  }

  /** `factor` above 1 shows more. The sector stays where it is. */
  zoom(factor: number, sector: number): void {
    const count = Math.max(SECTORS_MIN, this.count * factor);
    const share = (sector - this.#start) / Math.max(1, this.count);
    this.set(sector - share * count, count);
  }

  move(sectors: number): void {
    if (this.#count !== undefined) this.set(this.#start + sectors, this.#count);
  }

  wanted(maxCells: number): Wanted {
    return { startSector: this.#start, countSectors: this.#count, maxCells };
  }
}
