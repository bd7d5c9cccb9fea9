import type { Checks } from '../format/checks.js';
import { BLOCKS_PER_PART, type Layout } from '../format/layout.js';
import type { IndexEntry } from '../format/region-index.js';
import type { ObjectIdentity } from '../identity/scopes.js';
import type { Medium } from '../medium/medium.js';
import type { RecordReader } from '../reading/record-reader.js';
import { hashOf } from '../table/hash.js';
import { blockOf, type PartTable } from '../table/part-table.js';
import { evict } from './carry.js';
import type { DailyBudget } from './daily-budget.js';
import { type Batch, OpenRegion } from './open-region.js';
import { type NewRange, recordBytes } from './range.js';
import { isOf, type WaitingRanges } from './waiting-ranges.js';

export interface AppenderParts {
  readonly medium: Medium;
  readonly layout: Layout;
  readonly checks: Checks;
  readonly table: PartTable;
  readonly reader: RecordReader;
  readonly budget: DailyBudget;
  readonly waiting: WaitingRanges;
}

/** The region to be filled next, and its number in the order of writing. */
export interface NextRegion {
  readonly region: number;
  readonly sequence: number;
}

/** Writes ranges to the medium, one region after the other, around and around. One write is under way at a time. */
export class Appender {
  keptBytes = 0;
  carriedBytes = 0;
  evictedRegions = 0;
  readonly #parts: AppenderParts;
  #next: NextRegion | undefined;
  #open: OpenRegion | undefined;
  #running: Promise<void> | undefined;
  /** Objects that were forgotten during the step that is under way: what it brings of them is not found. */
  readonly #forgotten: ObjectIdentity[] = [];

  constructor(parts: AppenderParts) {
    this.#parts = parts;
  }

  /** It is known what is on the medium: writing may begin. */
  begin(next: NextRegion): void {
    this.#next = next;
    this.#run();
  }

  /** Whether a range of so many bytes would be written, as far as can be told. */
  hasRoom(dataBytes: number): boolean {
    const { medium, budget, waiting } = this.#parts;
    const bytes = recordBytes(dataBytes);
    return medium.canWrite && waiting.hasRoom(bytes) && waiting.bytes + bytes <= budget.leftBytes;
  }

  /** A range for which there is room. No one waits for it. */
  add(range: NewRange): void {
    this.#parts.waiting.add(range);
    this.#run();
  }

  /** What waits or is under way of this object is not to be found later. */
  forget(object: ObjectIdentity): void {
    this.#parts.waiting.forget(object);
    if (this.#running !== undefined) this.#forgotten.push(object);
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Writes what waits, and the index of the region that is open: the end. Never rejects. */
  async finish(): Promise<void> {
    await this.idle();
    await this.#seal().catch(() => {});
  }

  #run(): void {
    if (this.#next === undefined || this.#running !== undefined || this.#parts.waiting.isEmpty) return;
    this.#running = this.#writeAll()
      // The medium has taken note of it, and is left alone for a while.
      .catch(() => this.#parts.waiting.clear())
      .finally(() => {
        this.#running = undefined;
        this.#run();
      });
  }

  async #writeAll(): Promise<void> {
    const { waiting } = this.#parts;
    while (!waiting.isEmpty) {
      const open = this.#open ?? (await this.#openNext());
      const batch = open.place(waiting.all);
      if (batch === undefined) {
        await this.#seal();
      } else {
        waiting.drop(batch.placed.length);
        await this.#write(open, batch);
      }
    }
  }

  async #openNext(): Promise<OpenRegion> {
    const { layout, checks, table, reader, waiting } = this.#parts;
    const { region, sequence } = this.#next ?? { region: 0, sequence: 1 };
    this.#next = { region: (region + 1) % layout.regions, sequence: sequence + 1 };
    const before = table.count;
    this.#forgotten.length = 0;
    const carried = await evict(region, layout, table, reader);
    if (table.count < before) this.evictedRegions++;
    waiting.addFirst(carried.filter((range) => !this.#isForgotten(range)));
    this.carriedBytes += carried.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    this.#open = new OpenRegion(region, sequence, layout, checks);
    return this.#open;
  }

  async #write(open: OpenRegion, { start, bytes, placed }: Batch): Promise<void> {
    const { medium, table, budget } = this.#parts;
    // Without its index it would not be found by the next process.
    if (!budget.spend(bytes.byteLength, open.indexBytes)) return;
    this.#forgotten.length = 0;
    await medium.write(start, bytes);
    for (const { range, entry } of placed) {
      if (this.#isForgotten(range)) continue;
      open.keep(entry);
      table.add(entry, entry, open.unitOf(entry));
      this.keptBytes += range.bytes.byteLength;
    }
  }

  /** A region whose index cannot be written is found until the process ends, and no longer. */
  async #seal(): Promise<void> {
    const { medium, budget } = this.#parts;
    const open = this.#open;
    this.#open = undefined;
    for (const { start, bytes } of open?.seal((entry) => this.#stillWanted(open, entry)) ?? []) {
      if (budget.spend(bytes.byteLength)) await medium.write(start, bytes);
    }
  }

  #stillWanted(open: OpenRegion, entry: IndexEntry): IndexEntry | undefined {
    const { table } = this.#parts;
    const unit = open.unitOf(entry);
    const hash = hashOf(entry.word0, entry.word1, entry.part * BLOCKS_PER_PART + blockOf(entry.firstStep));
    return table.has(hash, unit) ? { ...entry, uses: table.usesOf(hash, unit) } : undefined;
  }

  #isForgotten(range: NewRange): boolean {
    return this.#forgotten.some((object) => isOf(range, object));
  }
}
