/** Ghosts with one place in common: the oldest of them is forgotten. */
const WAYS = 4;

/**
 * Ranges that were asked for and are not kept: the second time they are worth it. 16 bits of a hash each, so one range in
 * 16,384 is taken for another. The oldest are forgotten first, so that a long scan leaves nothing but ghosts.
 */
export class Ghosts {
  readonly tags: Uint16Array;

  /** @param tags what was remembered: a power of two of them */
  constructor(tags: Uint16Array) {
    this.tags = tags;
  }

  /** Whether it was asked for before, and is not forgotten. From now on it was. */
  note(hash: number): boolean {
    const place = (hash % (this.tags.length / WAYS)) * WAYS;
    // 0 stands for no ghost.
    const tag = (Math.imul(hash, 0x9e3779b1) >>> 16) | 1;
    const ways = this.tags.subarray(place, place + WAYS);
    const found = ways.indexOf(tag);
    ways.copyWithin(1, 0, found === -1 ? WAYS - 1 : found);
    ways[0] = tag;
    return found !== -1;
  }
}
