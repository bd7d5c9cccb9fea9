/**
 * Decides which line leaves. Knows keys and entries, never payload.
 *
 * A key is a line number, a non-negative safe integer. An entry is a small integer that stands for one known key until
 * {@link EvictionPolicy.forget}: the caller keeps what belongs to a line in arrays indexed by it. An entry is
 *
 * - *resident*: in the policy's lists; counts towards the capacity; `victim` may choose it unless it is pinned;
 * - *out*: chosen by `victim` and taken out of the lists, until the caller decides between `forget` and `park`. It can still
 *   be found, and a `touch` takes it back;
 * - *parked*: out for longer, because its line is dirty and cannot leave yet. A `touch` takes it back, `forget` ends it;
 * - gone, or a ghost: the policy may remember its key, but `find` does not tell.
 *
 * Use is counted once per line of a request: one `touch` or one `insert`, however many bytes of the line are asked for.
 * No method allocates, except `setCapacity`.
 */
export interface EvictionPolicy {
  /** Resident lines that it aims at; parked ones are not counted. */
  readonly capacity: number;
  /** Resident lines, pinned ones included. */
  readonly resident: number;
  /** Lines that are out or parked. */
  readonly parked: number;
  /** Every entry is below. Grows with `setCapacity`, never shrinks. */
  readonly entriesMax: number;
  /** Bytes held by its tables. */
  readonly byteLength: number;

  /** The entry of a resident, out or parked line, or -1. Changes nothing. */
  find(key: number): number;

  /** The key of an entry. */
  keyOf(entry: number): number;

  /**
   * Counts one use, a read or a write. Takes an out or parked entry back into the lists, after which `resident` may be above
   * `capacity`.
   */
  touch(entry: number): void;

  /**
   * Makes `key`, which `find` does not find, resident, and returns its entry. Counts one use.
   *
   * `quiet` is for read-ahead: no use is counted and nothing is learnt from the miss; the first `touch` will be the first use.
   * Its reader is on its way, so it should stay until then, unless there are many of its kind: a cache reads a quarter of its
   * lines ahead.
   *
   * `heat`, with `quiet` alone, is for a line that an earlier cache held: what `heatOf` told of it there. Such lines come hottest
   * first, and while `resident` is below `capacity`. A policy that makes nothing of it gives them up sooner.
   *
   * Call `victim` before or after it to make room; a burst of insertions before any `victim` may exceed `capacity` as long as
   * free entries last. Throws if none is left.
   */
  insert(key: number, quiet?: boolean, heat?: number): number;

  /**
   * How much the entry, in whatever state, deserves its place: 0, of no known use, to {@link HEAT_MAX}. Changes nothing. Lines
   * are remembered in this order for a cache that begins later.
   */
  heatOf(entry: number): number;

  /** Keeps `victim` from choosing the entry until a matching `unpin`. Pins nest. */
  pin(entry: number): void;

  /** Ends one `pin` of the entry. */
  unpin(entry: number): void;

  /**
   * Takes the entry that leaves next out of the lists and returns it; -1 if all are pinned. Follow it by `forget` or `park`.
   *
   * Called with `resident` at or below `capacity` it makes room for insertions still to come.
   */
  victim(): number;

  /**
   * The entry is gone: evicted, or invalidated in whatever state it was. As a ghost if asked and the policy keeps any. The
   * number may be given to another key at once. Throws if the entry is pinned.
   */
  forget(entry: number, ghost: boolean): void;

  /** Keeps the entry that `victim` returned outside the lists: its line is dirty. */
  park(entry: number): void;

  /** Whether the entry is outside the lists: parked, or returned by `victim` just now. */
  isParked(entry: number): boolean;

  /**
   * Scales every limit. Known entries stay valid. After a shrink the caller evicts by `victim` until `resident` is at most
   * `capacity`; tables keep their size. `maxParked`: as in {@link PolicyOptions}; left out, as before.
   */
  setCapacity(lines: number, maxParked?: number): void;

  /** Calls `visit` for every resident, out and parked entry, in no particular order. `visit` must not change the policy. */
  entries(visit: (entry: number, key: number) => void): void;
}

/** What a policy is told of the cache that it serves. */
export interface PolicyOptions {
  /** Resident lines to aim at, at least 1. */
  readonly capacity: number;
  /** Parked lines to have room for beyond the capacity. More find room as long as there are ghosts to drop. Default 0. */
  readonly maxParked?: number;
  /**
   * Seed of the hash and of the policy's random choices, any integer. Default: a random one, so that no one who chooses keys
   * can aim at one bucket.
   */
  readonly seed?: number;
}

/**
 * Makes an empty policy. A cache calls it several times: to learn from `entriesMax` and `byteLength` how many lines fit in its
 * budget, when that changes too, and for the policy that it then works with.
 */
export type PolicyFactory = (options: PolicyOptions) => EvictionPolicy;

/** The hottest that a line can be. */
export const HEAT_MAX = 4;

/** Lines in bursts of insertions and parking that every policy has room for beyond what it is asked to hold. */
export const SPARE_ENTRIES = 64;

export function checkCapacity(lines: number, what = 'capacity'): void {
  if (!Number.isSafeInteger(lines) || lines < 1)
    throw new RangeError(`${what} must be a positive integer, not ${lines}`);
}

export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
