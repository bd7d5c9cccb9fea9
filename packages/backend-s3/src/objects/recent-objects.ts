import type { DataObjectStamp } from './format.js';
import type { ObjectImage } from './image.js';

/** An object as this writer stored it last, and the version that the store made of it. */
export interface RecentObject {
  readonly image: ObjectImage;
  readonly stamp: DataObjectStamp;
  readonly etag: string;
}

/**
 * The whole objects that were stored last, so that the next small write to one of them need not fetch it.
 *
 * Each is good for one change: it is taken out, changed in place and, when it was stored, put in again. The PUT names the ETag,
 * so what has become another version meanwhile is not overwritten; and the bytes are compared with their checksums before they
 * are used.
 */
export class RecentObjects {
  readonly #maxBytes: number;
  /** Least recently stored first. */
  readonly #objects = new Map<number, RecentObject>();
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Memory that the objects take. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes the object out. Undefined if it is not there, or not what it was when it was stored. */
  take(index: number): RecentObject | undefined {
    const found = this.#objects.get(index);
    if (found === undefined) return undefined;
    this.#objects.delete(index);
    this.#heldBytes -= found.image.byteLength;
    return found.image.check(found.stamp) ? found : undefined;
  }

  /** From here on the image is not the caller's. Not kept if there is no room for it. */
  keep(index: number, object: RecentObject): void {
    this.drop(index);
    if (object.image.byteLength > this.#maxBytes) return;
    this.#objects.set(index, object);
    this.#heldBytes += object.image.byteLength;
    for (const oldest of this.#objects.keys()) {
      if (this.#heldBytes <= this.#maxBytes) return;
      this.drop(oldest);
    }
  }

  /** Forgets the object. */
  drop(index: number): void {
    const found = this.#objects.get(index);
    if (found === undefined) return;
    this.#objects.delete(index);
    this.#heldBytes -= found.image.byteLength;
  }
}
