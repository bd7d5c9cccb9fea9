import { type IntervalRun, IntervalSet } from '@blockyard/block';

/** ETags that are kept in memory, some 100 bytes each. For an object beyond them a HEAD is made before it is replaced. */
export const ETAGS_MAX = 65_536;

/**
 * What an open volume knows of its data objects without asking: which exist, which version of them it saw last, and for which
 * of them a change failed so that only the store knows how it went.
 */
export class KnownObjects {
  readonly #present = new IntervalSet();
  /** Least recently learnt first. */
  readonly #etags = new Map<number, string>();
  /** Objects a change of which failed, so that only the store knows if they exist. */
  readonly #doubtful = new Set<number>();
  /** Objects that a PUT without an answer would make anew if they were absent when it arrives, whenever that is. */
  readonly #lateCreations = new IntervalSet();

  /** Objects that were of version 1 when they were seen last. */
  readonly #v1 = new IntervalSet();
  /** Objects that this opening deleted, or found past the end of the volume and left there when it grew. */
  readonly #discarded = new IntervalSet();

  /** Objects that were listed, where more were listed than there can be, and of which no more is known. */
  readonly #unconfirmed = new IntervalSet();
  /** How many of them do not exist, as far as is known. */
  #missing = 0;

  /** False: the object does not exist, and its part of the volume reads as zeroes. */
  mayExist(index: number): boolean {
    return this.#present.has(index);
  }

  /** The last version seen, or undefined if the store has to be asked. */
  etagOf(index: number): string | undefined {
    return this.#etags.get(index);
  }

  /** Whether only the store knows if the object exists. */
  isDoubtful(index: number): boolean {
    return this.#doubtful.has(index) || (this.#missing > 0 && this.#unconfirmed.has(index));
  }

  /** Whether a PUT may still arrive that would bring the object back if it were deleted. */
  mayComeLate(index: number): boolean {
    return this.#lateCreations.has(index);
  }

  /** Whether the object is of version 1, as far as is known: what is not known for certain is wrong at worst. */
  isV1(index: number): boolean {
    return this.#v1.has(index);
  }

  /** The object was seen to be of version 1, or not to be. */
  learnFormat(index: number, isV1: boolean): void {
    if (isV1) this.#v1.add(index, index + 1);
    else if (this.#v1.has(index)) this.#v1.remove(index, index + 1);
  }

  /** Whether this opening deleted the object, so that what is found there later is older than that. */
  wasDiscarded(index: number): boolean {
    return this.#discarded.has(index);
  }

  /** Whatever there may be from this object on counts for nothing. */
  discardFrom(index: number): void {
    this.#discarded.add(index, Number.MAX_SAFE_INTEGER);
  }

  /** How many objects there are, if that is certain. */
  get count(): number | null {
    return this.#doubtful.size === 0 && this.#missing === 0 ? this.#present.totalLength : null;
  }

  /** The object exists in this version, for certain. */
  stored(index: number, etag: string): void {
    this.#present.add(index, index + 1);
    this.#doubtful.delete(index);
    this.confirm(index);
    this.#etags.delete(index);
    this.#etags.set(index, etag);
    if (this.#etags.size <= ETAGS_MAX) return;
    const [oldest] = this.#etags.keys();
    if (oldest !== undefined) this.#etags.delete(oldest);
  }

  /** The object was in a listing. */
  listed(index: number, etag: string): void {
    this.#present.add(index, index + 1);
    if (this.#etags.size < ETAGS_MAX || this.#etags.has(index)) this.#etags.set(index, etag);
  }

  /** The object was in a listing, and does not exist. */
  notListed(index: number): void {
    this.#present.remove(index, index + 1);
    this.#etags.delete(index);
  }

  /** Objects that may exist. */
  get listedCount(): number {
    return this.#present.totalLength;
  }

  /** So many of the objects that were listed do not exist: which, only the store knows. */
  expectMissing(count: number): void {
    this.#missing = count;
    if (count > 0) for (const { start, end } of this.#present) this.#unconfirmed.add(start, end);
  }

  /** The object exists. */
  confirm(index: number): void {
    if (this.#unconfirmed.has(index)) this.#unconfirmed.remove(index, index + 1);
  }

  /** An object that is doubtful was not there. */
  noticeMissing(index: number): void {
    if (this.#doubtful.has(index) || !this.#unconfirmed.has(index)) return;
    this.#missing--;
    this.confirm(index);
    this.notListed(index);
  }

  /** The object does not exist, for certain. */
  deleted(index: number): void {
    this.#present.remove(index, index + 1);
    this.#discarded.add(index, index + 1);
    this.confirm(index);
    this.#doubtful.delete(index);
    this.#etags.delete(index);
  }

  /** A change of the object failed, and may have been carried out all the same, or may still be. */
  doubt(index: number): void {
    this.#present.add(index, index + 1);
    this.#etags.delete(index);
    this.#doubtful.add(index);
  }

  /** A PUT that was to make the object may still arrive. Nothing that is done to the object later changes that. */
  expectLate(index: number): void {
    this.#lateCreations.add(index, index + 1);
  }

  /** The version seen last is not the one that is there. */
  forgetVersion(index: number): void {
    this.#etags.delete(index);
  }

  /** Objects from `from` to before `end` that may exist, ascending. May change meanwhile; what changes is seen or not. */
  *existing(from: number, end: number): Generator<number> {
    for (const run of this.#present.from(from)) {
      const stop = Math.min(run.end, end);
      for (let index = Math.max(run.start, from); index < stop; index++) yield index;
      if (run.end >= end) return;
    }
  }

  /** The range, split into runs of objects that may exist and runs of objects that do not. */
  runs(from: number, end: number): Iterable<IntervalRun> {
    return this.#present.runs(from, end);
  }
}
