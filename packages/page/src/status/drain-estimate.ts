/** How far the work of making everything durable is at one moment. Work counts in one unit: lines of a cache, or bytes. */
export interface DrainProgress {
  readonly atMs: number;
  readonly left: number;
  /** Work done since some moment in the past. Never less than before. */
  readonly done: number;
  /** Whether it is done as fast as it can be, because a flush waits, or the end. */
  readonly isDraining: boolean;
  /** Whether the store does not answer. */
  readonly isAway: boolean;
}

/** How long it would take to do what is left, if nothing were added. */
export interface DrainEstimate {
  /** From now on, in seconds. While the store is away: from when it is back. Undefined: not known. */
  readonly seconds: number | undefined;
  /**
   * `measured`: by what was done in the last seconds; `remembered`: by the fastest that was measured before, of other work or
   * before the store went away.
   */
  readonly basis: 'measured' | 'remembered' | undefined;
}

/** A rate counts the last so many milliseconds, and as many more as it takes to see so many steps; none more than the last bound. */
const WINDOW_MS_MIN = 3000;
const STEPS_MIN = 12;
const WINDOW_MS_MAX = 30_000;
/** What is seen in less time, or fewer steps, is no rate yet. */
const MEASURED_MS_MIN = 1000;
const MEASURED_STEPS_MIN = 3;
/** After so many times the usual pause between steps without any, the pause counts as a part of the work. */
const STALLED_PAUSES = 4;

/** A moment at which something had been done since the one before. */
interface Step {
  readonly atMs: number;
  readonly done: number;
  /** What had been done up to the moment before, and when that was. */
  readonly before: number;
  readonly beforeMs: number;
  /** Whether nothing was done between the last two moments before. */
  readonly isFirst: boolean;
}

/** How much is done in a millisecond, and the usual pause between steps. */
interface Rate {
  readonly perMs: number;
  readonly pauseMs: number;
  readonly isSettled: boolean;
}

/**
 * Tells how long it takes until all is durable, from how fast that goes. Told of the progress a few times a second.
 *
 * Stores answer in bursts, when many requests that began together end together: a rate is what was done from the beginning of one
 * burst to that of another, so that it does not matter when it is asked for.
 */
export class DrainEstimator {
  #steps: Step[] = [];
  #last: DrainProgress | undefined;
  /** Whether something was done at the last moment. */
  #wasDone = false;
  #fastestPerMs = 0;

  add(progress: DrainProgress): void {
    const last = this.#last;
    this.#last = progress;
    if (last === undefined) return;
    const { atMs, done, isDraining, isAway } = progress;
    // What went before says nothing of how fast it goes now.
    if (isAway || last.isAway || isDraining !== last.isDraining) this.#begin();
    if (isAway) return;
    const isDone = done > last.done;
    if (isDone) this.#steps.push({ atMs, done, before: last.done, beforeMs: last.atMs, isFirst: !this.#wasDone });
    this.#wasDone = isDone;
    this.#forget(atMs);
    const rate = this.#rate(atMs);
    if (rate?.isSettled === true) this.#fastestPerMs = Math.max(this.#fastestPerMs, rate.perMs);
  }

  estimate(): DrainEstimate {
    const last = this.#last;
    if (last === undefined) return { seconds: undefined, basis: undefined };
    const { atMs, left, isAway, isDraining } = last;
    if (left === 0) return { seconds: 0, basis: 'measured' };
    const rate = isAway ? undefined : this.#rate(atMs);
    // Without haste less is done than could be.
    const isMeasured =
      rate !== undefined && (isDraining || rate.perMs >= this.#fastestPerMs || this.#fastestPerMs === 0);
    if (isMeasured && (rate.isSettled || this.#fastestPerMs === 0)) {
      const sinceMs = Math.min(atMs - (this.#steps.at(-1)?.atMs ?? atMs), rate.pauseMs);
      return { seconds: Math.max(0, left / rate.perMs - sinceMs) / 1000, basis: 'measured' };
    }
    if (this.#fastestPerMs === 0) return { seconds: undefined, basis: undefined };
    return { seconds: left / this.#fastestPerMs / 1000, basis: 'remembered' };
  }

  #begin(): void {
    this.#steps = [];
    this.#wasDone = false;
  }

  /** Drops steps that are not needed. */
  #forget(nowMs: number): void {
    const steps = this.#steps;
    let first = 0;
    while (first < steps.length && (steps[first]?.atMs ?? 0) < nowMs - WINDOW_MS_MAX) first++;
    while (steps.length - first > STEPS_MIN && (steps[first + 1]?.atMs ?? nowMs) < nowMs - WINDOW_MS_MIN) first++;
    if (first > 0) steps.splice(0, first);
  }

  #rate(nowMs: number): Rate | undefined {
    const steps = this.#steps;
    const [first, last] = [steps[0], steps.at(-1)];
    if (first === undefined || last === undefined || first === last) return undefined;
    const bursts = steps.filter((step) => step.isFirst);
    const lastBurst = bursts.at(-1);
    // From burst to burst, where that is most of what was seen; else, in a flow without pauses, up to the last moment.
    const isBursty =
      lastBurst !== undefined && lastBurst !== first && lastBurst.atMs - first.atMs >= (last.atMs - first.atMs) / 2;
    const spanMs = isBursty ? lastBurst.atMs - first.atMs : last.atMs - first.beforeMs;
    const done = isBursty ? lastBurst.before - first.before : last.done - first.before;
    if (done <= 0 || spanMs <= 0) return undefined;
    const pauseMs = spanMs / Math.max(1, isBursty ? bursts.length - 1 : steps.length);
    const silentMs = nowMs - last.atMs;
    const stalledMs = silentMs > STALLED_PAUSES * pauseMs ? silentMs : 0;
    const isSettled = spanMs >= MEASURED_MS_MIN && steps.length >= MEASURED_STEPS_MIN;
    return { perMs: done / (spanMs + stalledMs), pauseMs, isSettled };
  }
}
