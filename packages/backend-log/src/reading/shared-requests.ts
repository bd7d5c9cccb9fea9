import { forEachParallel } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import type { DataName, ObjectId } from '../format/keys.js';
import { type Fetch, fetchesOf, getSlots, type SlotRun } from '../objects/data-reader.js';
import type { Based, Places } from '../objects/places.js';

/** What one read wants of one object. */
export interface ObjectRuns {
  readonly object: ObjectId;
  readonly name: Based<DataName>;
  readonly runs: readonly SlotRun[];
}

interface SharedRequestsParts {
  readonly store: Pick<ObjectStore, 'get' | 'urlOf'>;
  readonly places: Places;
  readonly sectorSize: number;
  /** Requests of one read that are in flight at once. */
  readonly maxConcurrency: number;
}

/** Bytes of a request that several reads share: a small read waits for no more than this beside what it wants. */
export const SHARED_BYTES_MAX = 1 << 20;

/** A read whose requests are not planned yet. */
interface Joining {
  readonly wanted: readonly ObjectRuns[];
  readonly planned: (parts: readonly Part[]) => void;
}

interface JoiningRun extends SlotRun {
  readonly read: Joining;
}

/** What a read has of a request. */
interface Part {
  readonly request: SharedRequest;
  readonly runs: readonly JoiningRun[];
}

/**
 * Fetches what reads want. Reads that begin at once, before anything else can run, share requests where what they want lies close
 * together in one object; each has its own outcome all the same. So what lies in one place costs one request, also where sectors
 * between are wanted by no one.
 */
export class SharedRequests {
  readonly #parts: SharedRequestsParts;
  #joining: Joining[] = [];

  constructor(parts: SharedRequestsParts) {
    this.#parts = parts;
  }

  /** Fills the targets of one read. Rejects as `fetchSlots` does, by what that read wanted. */
  async fetch(wanted: readonly ObjectRuns[]): Promise<void> {
    const { maxConcurrency } = this.#parts;
    const parts = await this.#plan(wanted);
    try {
      await forEachParallel(parts, { maxConcurrency }, async ({ request, runs }) => {
        const open = await request.send();
        for (const run of runs) open(run);
      });
    } catch (error) {
      await Promise.all(parts.map(({ request, runs }) => request.leave(runs)));
      throw error;
    }
  }

  /** What the read has of each request, once all who begin at this moment have joined. */
  #plan(wanted: readonly ObjectRuns[]): Promise<readonly Part[]> {
    return new Promise((planned) => {
      this.#joining.push({ wanted, planned });
      if (this.#joining.length === 1) queueMicrotask(() => this.#planAll());
    });
  }

  #planAll(): void {
    const joining = this.#joining;
    this.#joining = [];
    const parts = new Map<Joining, Part[]>(joining.map((read) => [read, []]));
    for (const { name, runs, isShared } of byObject(joining)) {
      const maxBytes = isShared ? SHARED_BYTES_MAX : undefined;
      for (const fetch of fetchesOf(name, runs, this.#parts.sectorSize, maxBytes)) {
        const request = new SharedRequest(this.#parts, fetch);
        for (const [read, own] of byRead(fetch.runs)) parts.get(read)?.push({ request, runs: own });
      }
    }
    for (const [{ planned }, own] of parts) planned(own);
  }
}

/** A request of one read or more: the first that comes to it sends it. */
class SharedRequest {
  readonly #parts: SharedRequestsParts;
  readonly #fetch: Fetch<JoiningRun>;
  readonly #left = new Set<JoiningRun>();
  #sent: Promise<(run: JoiningRun) => void> | undefined;

  constructor(parts: SharedRequestsParts, fetch: Fetch<JoiningRun>) {
    this.#parts = parts;
    this.#fetch = fetch;
  }

  send(): Promise<(run: JoiningRun) => void> {
    const { store, places, sectorSize } = this.#parts;
    const { name, runs } = this.#fetch;
    const wanted = runs.filter((run) => !this.#left.has(run));
    this.#sent ??= getSlots(store, places, { name, runs: wanted }, sectorSize);
    return this.#sent;
  }

  /** A read has failed: its buffers are its own again once this has resolved. */
  async leave(runs: readonly JoiningRun[]): Promise<void> {
    for (const run of runs) this.#left.add(run);
    await this.#sent?.catch(() => {});
  }
}

/** What all of them want of each object. */
function byObject(joining: readonly Joining[]) {
  const found = new Map<ObjectId, { name: Based<DataName>; runs: JoiningRun[]; isShared: boolean }>();
  for (const read of joining) {
    for (const { object, name, runs } of read.wanted) {
      const own = runs.map(({ start, count, slot, targets }): JoiningRun => ({ start, count, slot, targets, read }));
      const others = found.get(object);
      if (others === undefined) found.set(object, { name, runs: own, isShared: false });
      else {
        others.runs.push(...own);
        others.isShared = true;
      }
    }
  }
  return found.values();
}

function byRead(runs: readonly JoiningRun[]): Map<Joining, JoiningRun[]> {
  const found = new Map<Joining, JoiningRun[]>();
  for (const run of runs) {
    const own = found.get(run.read);
    if (own === undefined) found.set(run.read, [run]);
    else own.push(run);
  }
  return found;
}
