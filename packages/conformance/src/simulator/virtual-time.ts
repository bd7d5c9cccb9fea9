import type { Clock } from '@blockyard/block';
import type { Random } from './random.js';

/** A timer. */
interface Event {
  readonly atMs: number;
  /** Decides between events of one moment. */
  readonly rank: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Time that passes only when it is told to, from event to event. Events of one moment happen in a random order. */
export class VirtualTime implements Clock {
  readonly #random: Random;
  /** A binary heap: each event comes before its two children. */
  readonly #heap: Event[] = [];
  #nowMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds since the beginning of the world. */
  now(): number {
    return this.#nowMs;
  }

  set(callback: () => void, delayMs: number): unknown {
    const event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      rank: this.#random.below(2 ** 32),
      run: callback,
      cancelled: false,
    };
    this.#push(event);
    return event;
  }

  clear(timer: unknown): void {
    if (timer !== undefined) (timer as Event).cancelled = true;
  }

  /** Resolves after a delay of virtual time. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.set(resolve, delayMs));
  }

  /** Whether any event is left, if only one that was cancelled. */
  get hasEvents(): boolean {
    return this.#heap.length > 0;
  }

  /** Moves to the next event and runs it. False if no event is left. */
  step(): boolean {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.cancelled) continue;
      this.#nowMs = event.atMs;
      event.run();
      return true;
    }
    return false;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const other = heap[parent];
      if (other === undefined || !isBefore(event, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      const earlier = right !== undefined && isBefore(right, left) ? right : left;
      if (earlier === right) child++;
      if (!isBefore(earlier, last)) break;
      heap[at] = earlier;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.rank < b.rank);
}
