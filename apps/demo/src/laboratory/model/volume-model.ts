import { invariant } from '@blockyard/block';
import { NEVER } from './pattern.js';

/** Sectors of the volume. */
export interface Range {
  readonly start: number;
  readonly count: number;
}

/** A write that is under way: each of its sectors gets this version. */
export interface Writing extends Range {
  readonly version: number;
}

/** A read that is under way, with what each sector held at least when it began. */
export interface Reading extends Range {
  readonly atLeast: Uint32Array;
}

/** A flush that is under way, with what it makes durable. */
export interface Flushing {
  readonly sectors: readonly number[];
  readonly versions: readonly number[];
}

/** A thousand writes a second reach it in 50 days. */
const VERSION_MAX = 2 ** 32 - 1;

/** What every sector held at a moment at which nothing was under way: no older version than one, no newer than the other. */
export interface Checkpoint {
  readonly accepted: Uint32Array;
  readonly submitted: Uint32Array;
}

/**
 * What a volume may hold, sector by sector, by the contract alone: which version a read may see now, and which after a crash.
 * Versions count all writes, so that a later one has a greater number. Takes 12 bytes a sector.
 */
export class VolumeModel {
  readonly sizeSectors: number;
  readonly #accepted: Uint32Array;
  /** The last version that was submitted: accepted, under way, or failed and perhaps there all the same. */
  readonly #submitted: Uint32Array;
  readonly #durable: Uint32Array;
  /** Sectors of which something was accepted that is not durable. */
  readonly #unflushed = new Set<number>();
  readonly #writing = new Set<Writing>();
  #lastVersion = NEVER;

  constructor(sizeSectors: number) {
    this.sizeSectors = sizeSectors;
    this.#accepted = new Uint32Array(sizeSectors);
    this.#submitted = new Uint32Array(sizeSectors);
    this.#durable = new Uint32Array(sizeSectors);
  }

  /** Sectors that a crash may take back to what was flushed last. */
  get unflushedSectors(): number {
    return this.#unflushed.size;
  }

  /** Begins a write. Undefined where one is under way that it overlaps: no one could say which of the two is left. */
  beginWrite({ start, count }: Range): Writing | undefined {
    for (const other of this.#writing) {
      if (start < other.start + other.count && other.start < start + count) return undefined;
    }
    invariant(this.#lastVersion < VERSION_MAX, 'versions are left');
    const writing = { start, count, version: ++this.#lastVersion };
    this.#submitted.fill(writing.version, start, start + count);
    this.#writing.add(writing);
    return writing;
  }

  endWrite(writing: Writing, outcome: 'accepted' | 'failed'): void {
    invariant(this.#writing.delete(writing), 'a write ends once');
    // One that failed has left each sector old or new.
    if (outcome === 'failed') return;
    for (let sector = writing.start; sector < writing.start + writing.count; sector++) {
      this.#accepted[sector] = writing.version;
      this.#unflushed.add(sector);
    }
  }

  beginRead({ start, count }: Range): Reading {
    return { start, count, atLeast: this.#accepted.slice(start, start + count) };
  }

  /** Whether a read that ends now may have seen this version of its nth sector. */
  mayRead({ start, atLeast }: Reading, index: number, version: number): boolean {
    return version >= at(atLeast, index) && version <= at(this.#submitted, start + index);
  }

  beginFlush(): Flushing {
    const sectors = [...this.#unflushed];
    return { sectors, versions: sectors.map((sector) => at(this.#accepted, sector)) };
  }

  endFlush({ sectors, versions }: Flushing): void {
    for (const [index, sector] of sectors.entries()) {
      const version = versions[index] ?? NEVER;
      this.#durable[sector] = Math.max(at(this.#durable, sector), version);
      if (version === at(this.#accepted, sector)) this.#unflushed.delete(sector);
    }
  }

  /**
   * Takes what a sector was found to hold after a crash as what it holds. Tells what that means; where it is `lost` or
   * `invented`, the contract was broken.
   */
  adopt(sector: number, version: number): AfterCrash {
    const accepted = at(this.#accepted, sector);
    const submitted = at(this.#submitted, sector);
    const durable = at(this.#durable, sector);
    this.#accepted[sector] = version;
    this.#submitted[sector] = version;
    this.#durable[sector] = Math.min(durable, version);
    if (version <= durable) this.#unflushed.delete(sector);
    else this.#unflushed.add(sector);
    if (version < durable) return 'lost';
    if (version > submitted) return 'invented';
    if (durable === submitted) return 'flushed';
    return version >= accepted ? 'kept' : 'forgotten';
  }

  /** Remembers what every sector holds now. Nothing may be under way, and everything is to be durable. */
  checkpoint(): Checkpoint {
    invariant(this.#writing.size === 0 && this.#unflushed.size === 0, 'nothing is under way or unflushed');
    return { accepted: this.#accepted.slice(), submitted: this.#submitted.slice() };
  }

  /** From now on every sector holds, durably, what it held at the checkpoint. */
  restore({ accepted, submitted }: Checkpoint): void {
    invariant(this.#writing.size === 0, 'nothing is under way');
    this.#accepted.set(accepted);
    this.#durable.set(accepted);
    this.#submitted.set(submitted);
    this.#unflushed.clear();
  }
}

/**
 * What a sector is after a crash: what was flushed last and not changed since; what was accepted last, though it was not
 * flushed; something older, which is allowed where it was not flushed; or what the contract forbids.
 */
export type AfterCrash = 'flushed' | 'kept' | 'forgotten' | 'lost' | 'invented';

function at(versions: Uint32Array, index: number): number {
  const version = versions[index];
  invariant(version !== undefined, 'the sector is one of the volume');
  return version;
}
