import { strictEqual } from 'node:assert';
import { Oracle, type Pending, type TORN, type Writer } from '@blockyard/conformance/testing';

/** What a volume must hold, from what the processes that were killed have told of their work. */
export class Account {
  readonly sizeSectors: number;
  readonly #oracle: Oracle;
  readonly #areFlushesKept: boolean;
  readonly #pending = new Map<number, Pending>();
  #stamps = 0;
  #flushes = 0;

  /** @param areFlushesKept false where what was flushed may be lost all the same */
  constructor(sizeSectors: number, { areFlushesKept = true } = {}) {
    this.sizeSectors = sizeSectors;
    this.#areFlushesKept = areFlushesKept;
    this.#oracle = new Oracle(sizeSectors);
  }

  /** Stamp of the first write of the next process. */
  get nextStamp(): number {
    return this.#stamps + 1;
  }

  /** Flushes that were told to have succeeded. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Enters a line: `OPERATION write START COUNT STAMP`, `... zero START COUNT`, `... flush` or `... done`. */
  enter(line: string): void {
    const [operation, kind, start, count, stamp] = line.split(' ');
    const id = Number(operation);
    if (kind === 'done') {
      const pending = this.#pending.get(id);
      if (pending === undefined) throw new Error(`operation ${id} ended that had not begun`);
      pending.succeeded();
      this.#pending.delete(id);
    } else if (kind === 'write') {
      const write = this.#oracle.beginWrite(Number(start), Number(count));
      this.#stamps++;
      strictEqual(write.writer, Number(stamp), 'stamps are in order');
      this.#pending.set(id, write);
    } else if (kind === 'zero') this.#pending.set(id, this.#oracle.beginZero(Number(start), Number(count)));
    else if (kind === 'flush') this.#pending.set(id, this.#flush());
    else throw new Error(`no line of a victim: ${line}`);
  }

  #flush(): Pending {
    const flush = this.#areFlushesKept ? this.#oracle.beginFlush() : undefined;
    return {
      succeeded: () => {
        flush?.succeeded();
        this.#flushes++;
      },
      failed: () => flush?.failed(),
    };
  }

  /**
   * What is wrong with what a killed process has left, if anything is. Nothing that was flushed may be missing, and no sector be
   * torn [D1, D4].
   *
   * @param found who wrote each sector
   * @param isPrefix whether what was accepted earlier must also be there if what was accepted later is [D5]
   */
  violation(found: readonly (Writer | typeof TORN)[], isPrefix: boolean): string | undefined {
    if (isPrefix) return this.#oracle.prefixes().violation(found)?.message;
    const wrong = found.findIndex((writer, sector) => !this.#oracle.allowedAfterCrash(sector).includes(writer));
    if (wrong === -1) return undefined;
    return `sector ${wrong} has stamp ${found[wrong]}, but may only have ${this.#oracle.allowedAfterCrash(wrong).join(' or ')}`;
  }

  /** Sectors of which more than one content is right now. */
  undecided(): number {
    let count = 0;
    for (let sector = 0; sector < this.sizeSectors; sector++) {
      if (this.#oracle.allowedAfterCrash(sector).length > 1) count++;
    }
    return count;
  }

  /** What was found is there from here on, and durable. */
  goOnFrom(found: readonly Writer[]): void {
    this.#pending.clear();
    this.#oracle.crashed(this.sizeSectors, found);
  }
}
