/** Places that are remembered: as many readers can be told apart, and so few that reads at random seldom meet one. */
const PLACES_MAX = 8;

/** Bytes; what lies no farther from a read is near it. */
const NEAR_BYTES = 1 << 16;

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Where was read lately: the last read of each place, the newest first. */
export class RecentReads {
  readonly #nearSectors: number;
  #places: readonly Place[] = [];

  constructor(sectorSize: number) {
    this.#nearSectors = Math.ceil(NEAR_BYTES / sectorSize);
  }

  /** A read begins. It takes the place of those that it is near. */
  note(start: number, count: number): void {
    const others = this.#places.filter((place) => !this.#areNear(place, start, count));
    this.#places = [{ start, end: start + count }, ...others.slice(0, PLACES_MAX - 1)];
  }

  /** Whether a read of the range would be near one of lately. */
  isNear(start: number, count: number): boolean {
    return this.#places.some((place) => this.#areNear(place, start, count));
  }

  #areNear(place: Place, start: number, count: number): boolean {
    return start <= place.end + this.#nearSectors && start + count >= place.start - this.#nearSectors;
  }
}
