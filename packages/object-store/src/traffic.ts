/** The five kinds of request. */
export type RequestKind = 'get' | 'head' | 'put' | 'delete' | 'list';

/** What has gone to a store, and come from it. Repeated attempts count each, as they are paid for. */
export interface Traffic {
  readonly requests: Readonly<Record<RequestKind, number>>;
  /** Bytes of bodies sent in PUTs. */
  readonly uploadBytes: number;
  /** Bytes of bodies that came in answers to GETs. */
  readonly downloadBytes: number;
}

export class TrafficCounter implements Traffic {
  readonly #requests: Record<RequestKind, number> = { get: 0, head: 0, put: 0, delete: 0, list: 0 };
  #uploadBytes = 0;
  #downloadBytes = 0;

  get requests(): Readonly<Record<RequestKind, number>> {
    return { ...this.#requests };
  }

  get uploadBytes(): number {
    return this.#uploadBytes;
  }

  get downloadBytes(): number {
    return this.#downloadBytes;
  }

  /** A request goes out, with so many bytes in its body. */
  sent(kind: RequestKind, uploadBytes = 0): void {
    this.#requests[kind]++;
    this.#uploadBytes += uploadBytes;
  }

  /** So many bytes of an answer's body have come. */
  received(downloadBytes: number): void {
    this.#downloadBytes += downloadBytes;
  }
}
