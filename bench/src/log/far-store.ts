import { setTimeout as delay } from 'node:timers/promises';
import { BlockError } from '@blockyard/block';
import { type MemoryObjects, MemoryStore, type PutResult } from '@blockyard/object-store';

type Parameters1<Name extends 'get' | 'head' | 'put' | 'delete'> = Parameters<MemoryStore[Name]>;

/**
 * A store in memory, a round trip away. With `keptBytes` it forgets what lies between the first and the last bytes of large
 * objects of data, which reads as zeroes: for volumes larger than memory of which only the ends of objects are read.
 */
export class FarStore extends MemoryStore {
  readonly #roundTripMs: number;
  readonly #keptBytes: number;
  /** Whether requests fail. */
  isAway = false;
  /** Requests in flight at once, at most so far. */
  inFlightMax = 0;
  #inFlight = 0;

  constructor(objects: MemoryObjects, roundTripMs: number, keptBytes = Number.POSITIVE_INFINITY) {
    super({ objects });
    this.#roundTripMs = roundTripMs;
    this.#keptBytes = keptBytes;
  }

  override get(...parameters: Parameters1<'get'>) {
    return this.#far(() => this.#unlessAway(() => super.get(...parameters)));
  }

  override head(...parameters: Parameters1<'head'>) {
    return this.#far(() => this.#unlessAway(() => super.head(...parameters)));
  }

  override put(key: string, body: Uint8Array, ...rest: [Parameters1<'put'>[2], Parameters1<'put'>[3]]) {
    return this.#far(async (): Promise<PutResult> => {
      if (this.isAway) return { kind: 'failed', error: away(), late: false };
      const result = await super.put(key, body, ...rest);
      const isData = /\/(log|pack)\//.test(key);
      if (result.kind === 'stored' && isData && body.byteLength > 2 * this.#keptBytes) this.#forget(key);
      return result;
    });
  }

  override delete(...parameters: Parameters1<'delete'>) {
    return this.#far(() => this.#unlessAway(() => super.delete(...parameters)));
  }

  async #far<T>(request: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    this.inFlightMax = Math.max(this.inFlightMax, this.#inFlight);
    try {
      if (this.#roundTripMs > 0) await delay(this.#roundTripMs);
      return await request();
    } finally {
      this.#inFlight--;
    }
  }

  async #unlessAway<T>(request: () => Promise<T>): Promise<T> {
    if (this.isAway) throw away();
    return request();
  }

  #forget(key: string): void {
    const found = this.objects.get(key);
    if (found === undefined) return;
    const ends = new EndsOnly(found.body, this.#keptBytes);
    this.objects.set(key, { ...found, body: ends as unknown as Uint8Array });
  }
}

function away(): BlockError {
  return new BlockError('UNAVAILABLE', 'the store is away');
}

/** The first and the last bytes of an object, as far as a store in memory uses its body: by `slice`. */
class EndsOnly {
  readonly #first: Uint8Array;
  readonly #last: Uint8Array;
  readonly #lengthBytes: number;

  constructor(body: Uint8Array, keptBytes: number) {
    this.#first = body.slice(0, keptBytes);
    this.#last = body.slice(-keptBytes);
    this.#lengthBytes = body.byteLength;
  }

  slice(from: number, to: number): Uint8Array {
    const end = Math.min(to, this.#lengthBytes);
    const bytes = new Uint8Array(end - from);
    const lastAt = this.#lengthBytes - this.#last.byteLength;
    for (const [at, part] of [
      [0, this.#first],
      [lastAt, this.#last],
    ] as const) {
      const start = Math.max(from, at);
      const stop = Math.min(end, at + part.byteLength);
      if (start < stop) bytes.set(part.subarray(start - at, stop - at), start - from);
    }
    return bytes;
  }
}
