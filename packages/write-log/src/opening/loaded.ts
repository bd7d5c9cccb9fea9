import { systemClock } from '@blockyard/block';
import type { Backlog } from '../changes/backlog.js';
import type { LogRecord } from '../changes/change.js';
import type { ChainPlace, Superblock } from '../format/superblock.js';
import { adoptRecord } from './adopt.js';
import type { FoundRecord } from './chain.js';

/** Where an opening that begins with {@link LoadedRecords} goes on reading. */
export interface TakenRecords {
  readonly backlog: Backlog;
  readonly end: ChainPlace;
}

/**
 * Records of a log that were read, or left, before an opening that follows soon. That opening begins with those that are known to
 * be durable, which stay what they are until they are drained, and has to read no more than what has come since.
 */
export class LoadedRecords {
  readonly #tierId: string;
  readonly #backlog: Backlog;
  /** The place before the first of them. */
  #start: ChainPlace;
  /** Found behind them, and not known to be durable: a later run may begin before them. */
  #waiting: FoundRecord[] = [];
  #run: number;
  #isTaken = false;

  constructor({ tierId, run }: Pick<Superblock, 'tierId' | 'run'>, start: ChainPlace, backlog: Backlog) {
    this.#tierId = tierId;
    this.#run = run;
    this.#start = start;
    this.#backlog = backlog;
  }

  /** The place behind the last that was found. */
  get end(): ChainPlace {
    return this.#waiting.at(-1)?.next ?? this.#durableEnd;
  }

  /** One more, which follows on the last. */
  add(found: FoundRecord, superblock: Superblock): void {
    this.#waiting.push(found);
    this.#adopt(superblock, Math.max(superblock.durableThrough, found.header.flushed));
  }

  /** Drops those that are drained by now. False: the log does not go on from any of them, and they are of no use. */
  catchUp(superblock: Superblock): boolean {
    const { tierId, run, tail, durableThrough, ringStart, ringEnd } = superblock;
    if (this.#isTaken || tierId !== this.#tierId) return false;
    if (run !== this.#run) this.#waiting = [];
    this.#run = run;
    this.#adopt(superblock, durableThrough);
    const { records } = this.#backlog;
    const places = [this.#start, ...records.map(({ next }) => next)];
    const drained = places.findIndex(({ sequence, check }) => sequence === tail.sequence && check === tail.check);
    const shiftBytes = tail.at - (places[drained]?.at ?? Number.NaN);
    // Each opening counts laps of the ring anew.
    if (shiftBytes % (ringEnd - ringStart) !== 0) return false;
    const changes = records.slice(0, drained).flatMap((record) => record.changes);
    this.#backlog.settle(changes, drained);
    this.#start = tail;
    this.#shift(shiftBytes);
    return true;
  }

  /** For one opening: those that are not drained, if the log has them, and all of them are for its base. */
  take(
    superblock: Superblock,
    maxMemoryBytes: number,
    isFit: (record: LogRecord) => boolean,
  ): TakenRecords | undefined {
    if (!this.catchUp(superblock) || !this.#backlog.records.every(isFit)) return undefined;
    this.#isTaken = true;
    return { backlog: this.#backlog.passOn(maxMemoryBytes), end: this.#durableEnd };
  }

  get #durableEnd(): ChainPlace {
    return this.#backlog.records.at(-1)?.next ?? this.#start;
  }

  /** Takes in what is durable: nothing else can come in its place. */
  #adopt({ baseSectorSize }: Superblock, durableThrough: number): void {
    const next = this.#waiting.findIndex(({ header }) => header.sequence > durableThrough);
    for (const found of this.#waiting.splice(0, next < 0 ? this.#waiting.length : next)) {
      const ageMs = Math.max(0, Date.now() - found.header.writtenAtMs);
      adoptRecord(this.#backlog, found, baseSectorSize, systemClock.now() - ageMs);
    }
  }

  #shift(bytes: number): void {
    if (bytes === 0) return;
    for (const record of this.#backlog.records) {
      record.at += bytes;
      record.next = shifted(record.next, bytes);
    }
    this.#waiting = this.#waiting.map((found) => ({
      ...found,
      at: found.at + bytes,
      next: shifted(found.next, bytes),
    }));
  }
}

function shifted(place: ChainPlace, bytes: number): ChainPlace {
  return { ...place, at: place.at + bytes };
}
