import { BlockError, IntervalSet, isBlockError } from '@blockyard/block';
import type { ByteRange, ObjectVersion } from '@blockyard/object-store';
import { Checks } from './format/checks.js';
import { decodeGhosts, encodeGhosts } from './format/ghost-area.js';
import { GHOSTS_START, HEAD_BYTES, Layout, MAX_PARTS_PER_OBJECT } from './format/layout.js';
import { fitsHead, type Head } from './format/record.js';
import type { Superblock } from './format/superblock.js';
import type { ObjectIdentity } from './identity/scopes.js';
import type { Medium } from './medium/medium.js';
import { type Held, holdTogether, type Piece } from './reading/held.js';
import { isSameVersion, RecordReader, type RecordResult } from './reading/record-reader.js';
import { Appender } from './regions/appender.js';
import type { DailyBudget } from './regions/daily-budget.js';
import { Loader } from './regions/loader.js';
import { partsOf, stepsOf } from './regions/range.js';
import { WaitingRanges } from './regions/waiting-ranges.js';
import { Ghosts } from './table/ghosts.js';
import { hashOf } from './table/hash.js';
import { type Found, PartTable } from './table/part-table.js';

/** While the indexes are read, so many objects that changed are remembered; with more, reading is given up. */
const MAX_CHANGED_WHILE_LOADING = 4096;

export interface SessionOptions {
  readonly budget: DailyBudget;
  readonly maxUnwrittenBytes: number;
}

/** A medium that was opened, and what is known to be on it. */
export class Session {
  readonly layout: Layout;
  readonly table = new PartTable();
  readonly appender: Appender;
  /** Ranges that were dropped because they were not what they must be. */
  damagedRanges = 0;
  readonly #medium: Medium;
  readonly #checks: Checks;
  readonly #reader: RecordReader;
  readonly #budget: DailyBudget;
  #ghosts: Ghosts;
  #isLoading = true;
  #isEnding = false;
  /** Nothing further is kept, and all that is has its index: nothing is left to be written at the end. */
  #isSaved = false;
  #isHeld = false;
  /** Changed while the indexes are read: what comes of them then is not of now. */
  readonly #changed: ObjectIdentity[] = [];

  constructor(medium: Medium, { id, shape }: Superblock, { budget, maxUnwrittenBytes }: SessionOptions) {
    this.#medium = medium;
    this.layout = new Layout(shape, medium.info);
    this.#checks = new Checks(id);
    this.#reader = new RecordReader(medium, this.layout, this.#checks);
    this.#budget = budget;
    this.#ghosts = new Ghosts(new Uint16Array(shape.ghosts));
    this.appender = new Appender({
      medium,
      layout: this.layout,
      checks: this.#checks,
      table: this.table,
      reader: this.#reader,
      budget,
      waiting: new WaitingRanges(maxUnwrittenBytes),
    });
  }

  get isLoading(): boolean {
    return this.#isLoading;
  }

  get memoryBytes(): number {
    return this.table.memoryBytes + this.#ghosts.tags.byteLength;
  }

  /** Reads what is on the medium, behind the first requests. Rejects if the medium fails. */
  async load(): Promise<void> {
    await this.#loadGhosts();
    const loader = new Loader(this.#medium, this.layout, this.#checks, this.table);
    const next = await loader.load(() => this.#throwIfStopped());
    this.#throwIfStopped();
    for (const object of this.#changed.splice(0)) this.table.forget(object);
    this.#isLoading = false;
    this.appender.begin(next);
  }

  /** What the medium has of a range. Never rejects. */
  async read(object: ObjectIdentity, range: ByteRange): Promise<Held | undefined> {
    const found = this.#find(object, range);
    if (found.length === 0) return undefined;
    const end = range.offset + range.lengthBytes;
    const wanted = found.map((each) => ({
      ...each,
      start: Math.max(0, range.offset - each.part * this.layout.partBytes),
      end: Math.min(this.layout.partBytes, end - each.part * this.layout.partBytes),
    }));
    try {
      const results = await this.#reader.read(wanted, (head, { part }) => isHeadOf(head, object, part));
      return this.#together(object, range, found, results);
    } catch (error) {
      if (!isBlockError(error)) throw error;
      // So that a sector that cannot be read does not make the medium fail again and again.
      for (const { hash, unit } of found) this.table.remove(hash, unit);
      return undefined;
    }
  }

  /** The parts of a range that are on the medium, as far as the table tells. */
  has(object: ObjectIdentity, range: ByteRange): ByteRange[] {
    const { partBytes, stepBytes } = this.layout;
    const rangeEnd = range.offset + range.lengthBytes;
    const has = new IntervalSet();
    for (const { part, firstStep, lastStep } of this.#find(object, range)) {
      const start = Math.max(range.offset, part * partBytes + firstStep * stepBytes);
      has.add(start, Math.min(rangeEnd, part * partBytes + (lastStep + 1) * stepBytes));
    }
    return Array.from(has, ({ start, end }) => ({ offset: start, lengthBytes: end - start }));
  }

  /** Whether it is the second time that a range is asked for that begins at this byte of the part: then it is worth keeping. */
  isWorthIt({ word0, word1 }: ObjectIdentity, part: number, offset: number): boolean {
    return this.#ghosts.note(hashOf(word0, word1, part * this.layout.partBytes + offset));
  }

  /** Bytes of an object, from `offset` on, go to the medium as far as `isKept` says so and there is room. Copies them. */
  keep(
    object: ObjectIdentity,
    version: ObjectVersion,
    offset: number,
    bytes: Uint8Array,
    isKept: (part: number) => boolean = () => true,
  ): void {
    if (this.#isEnding || this.#isHeld || !fitsHead(version)) return;
    for (const each of partsOf(this.layout, offset, offset + bytes.byteLength)) {
      if (each.part >= MAX_PARTS_PER_OBJECT || !isKept(each.part) || !this.appender.hasRoom(each.lengthBytes)) continue;
      const at = each.part * this.layout.partBytes + each.offset - offset;
      const copy = Uint8Array.from(bytes.subarray(at, at + each.lengthBytes));
      this.appender.add({ object, version, part: each.part, offset: each.offset, bytes: copy, uses: 0 });
    }
  }

  /** Drops what there is of an object. */
  forget(object: ObjectIdentity): void {
    this.table.forget(object);
    this.appender.forget(object);
    if (this.#isLoading && this.#changed.length <= MAX_CHANGED_WHILE_LOADING) this.#changed.push(object);
  }

  /** Keeps nothing further, and writes what {@link end} would. Never rejects. */
  async hold(): Promise<void> {
    if (this.#isHeld) return;
    this.#isHeld = true;
    if (this.#isLoading) return;
    await this.#save();
    // Not that anyone relies on it: so that the end, which does the same, need not wait for it.
    await this.#medium.flush().catch(() => {});
    this.#isSaved = this.#isHeld;
  }

  /** Keeps what comes again. */
  release(): void {
    this.#isHeld = false;
    this.#isSaved = false;
  }

  /** Writes what waits, the last index, and the ghosts. Never rejects. */
  async end(): Promise<void> {
    this.#isEnding = true;
    if (!this.#isLoading && !this.#isSaved) await this.#save();
  }

  async #save(): Promise<void> {
    await this.appender.finish();
    const ghosts = encodeGhosts(this.#ghosts.tags, this.#checks);
    const bytes = new Uint8Array(this.layout.alignUp(ghosts.byteLength));
    bytes.set(ghosts);
    if (this.#medium.canWrite && this.#budget.spend(bytes.byteLength)) {
      await this.#medium.write(GHOSTS_START, bytes).catch(() => {});
    }
  }

  #throwIfStopped(): void {
    if (this.#isEnding) throw new BlockError('ABORTED', 'the cache is ending');
    if (this.#changed.length > MAX_CHANGED_WHILE_LOADING) {
      throw new BlockError('ABORTED', 'too many objects changed while the medium was being read');
    }
  }

  async #loadGhosts(): Promise<void> {
    const { ghosts } = this.layout;
    const bytes = this.layout.alignUp(HEAD_BYTES + 2 * ghosts);
    const tags = decodeGhosts(await this.#medium.read(GHOSTS_START, GHOSTS_START + bytes), ghosts, this.#checks);
    if (tags !== undefined) this.#ghosts = new Ghosts(tags);
  }

  #find(object: ObjectIdentity, { offset, lengthBytes }: ByteRange): Found[] {
    const end = Math.min(offset + lengthBytes, (this.table.lastPart + 1) * this.layout.partBytes);
    const found: Found[] = [];
    for (const each of partsOf(this.layout, offset, end)) {
      const { firstStep, lastStep } = stepsOf(this.layout, each.offset, each.lengthBytes);
      found.push(...this.table.find(object, each.part, firstStep, lastStep));
    }
    return found;
  }

  #together(
    object: ObjectIdentity,
    range: ByteRange,
    found: readonly Found[],
    results: readonly RecordResult[],
  ): Held | undefined {
    const pieces: Piece[] = [];
    let version: ObjectVersion | undefined;
    for (const [i, result] of results.entries()) {
      const { hash, unit, part } = found[i] as Found;
      if (typeof result === 'string') {
        this.#drop(hash, unit, result);
        continue;
      }
      version ??= result.head.version;
      if (!isSameVersion(version, result.head.version)) {
        // It changed, which it must not: the store knows what it is now.
        this.forget(object);
        return undefined;
      }
      if (result.bytes.byteLength === 0) continue;
      this.table.touch(hash, unit);
      pieces.push({ offset: part * this.layout.partBytes + result.offset, bytes: result.bytes });
    }
    if (version !== undefined) this.#medium.reads.prove();
    return version && holdTogether(version, range, pieces);
  }

  /** Another record may be there because two objects have one hash: then both are right. It is dropped all the same. */
  #drop(hash: number, unit: number, result: 'another' | 'damaged'): void {
    this.table.remove(hash, unit);
    if (result === 'damaged') this.damagedRanges++;
  }
}

function isHeadOf(head: Head, object: ObjectIdentity, part: number): boolean {
  return head.part === part && Buffer.compare(head.identity, object.bytes) === 0;
}
