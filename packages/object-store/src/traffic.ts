/** The five kinds of request. */
export type RequestKind = 'get' | 'head' | 'put' | 'delete' | 'list';

/** Requests of each kind, and bytes. Repeated attempts count each, as they are paid for. */
export interface Counts {
  readonly requests: Readonly<Record<RequestKind, number>>;
  /** Bytes of bodies sent in PUTs. */
  readonly uploadBytes: number;
  /** Bytes of bodies that came in answers to GETs. */
  readonly downloadBytes: number;
}

/** What has gone to a store, and come from it, in all and for each class of keys. */
export interface Traffic extends Counts {
  /** By the names that `classOf` gives; those that had no traffic are left out. */
  readonly classes: Readonly<Record<string, Counts>>;
}

/**
 * What a key is for: a short name out of a few, such as `data` or `root`. A listing is of the class of its prefix, and a delete
 * of many of that of its first key.
 */
export type ClassOf = (key: string) => string;

/** Names beyond so many count together, as {@link OTHER_CLASS}. */
const MAX_CLASSES = 64;
const OTHER_CLASS = 'other';

/** Counts the requests of a store and their bytes, in all and by class. */
export class TrafficCounter implements Traffic {
  readonly #classOf: ClassOf;
  readonly #total = new Counter();
  readonly #classes = new Map<string, Counter>();

  /** Without `classOf` all keys are of the class `all`. */
  constructor(classOf: ClassOf = () => 'all') {
    this.#classOf = classOf;
  }

  get requests(): Readonly<Record<RequestKind, number>> {
    return { ...this.#total.requests };
  }

  get uploadBytes(): number {
    return this.#total.uploadBytes;
  }

  get downloadBytes(): number {
    return this.#total.downloadBytes;
  }

  get classes(): Readonly<Record<string, Counts>> {
    return Object.fromEntries([...this.#classes].map(([name, counts]) => [name, copyOf(counts)]));
  }

  /** A request about a key, or about all with a prefix, goes out, with so many bytes in its body. */
  sent(kind: RequestKind, key: string, uploadBytes = 0): void {
    for (const counts of [this.#total, this.#of(key)]) {
      counts.requests[kind]++;
      counts.uploadBytes += uploadBytes;
    }
  }

  /** So many bytes of the object have come. */
  received(key: string, downloadBytes: number): void {
    for (const counts of [this.#total, this.#of(key)]) counts.downloadBytes += downloadBytes;
  }

  /** The class that a key counts in: one of a bounded number. */
  classOf(key: string): string {
    const wished = this.#classOf(key);
    return this.#classes.has(wished) || this.#classes.size < MAX_CLASSES ? wished : OTHER_CLASS;
  }

  #of(key: string): Counter {
    const name = this.classOf(key);
    let counts = this.#classes.get(name);
    if (counts === undefined) {
      counts = new Counter();
      this.#classes.set(name, counts);
    }
    return counts;
  }
}

/** Traffic up to now, which no longer changes. */
export function copyOfTraffic(traffic: Traffic): Traffic {
  return { ...copyOf(traffic), classes: traffic.classes };
}

/** What has gone and come from `before` on up to `after`, both of one store. */
export function trafficBetween(before: Traffic, after: Traffic): Traffic {
  const classes = Object.entries(after.classes)
    .map(([name, counts]) => [name, countsBetween(before.classes[name] ?? new Counter(), counts)] as const)
    .filter(([, counts]) => !isNothing(counts));
  return { ...countsBetween(before, after), classes: Object.fromEntries(classes) };
}

function countsBetween(before: Counts, after: Counts): Counts {
  const requests = new Counter().requests;
  for (const kind of REQUEST_KINDS) requests[kind] = after.requests[kind] - before.requests[kind];
  return {
    requests,
    uploadBytes: after.uploadBytes - before.uploadBytes,
    downloadBytes: after.downloadBytes - before.downloadBytes,
  };
}

/** A body may still come of a request that was sent before. */
function isNothing({ requests, uploadBytes, downloadBytes }: Counts): boolean {
  return REQUEST_KINDS.every((kind) => requests[kind] === 0) && uploadBytes === 0 && downloadBytes === 0;
}

function copyOf({ requests, uploadBytes, downloadBytes }: Counts): Counts {
  return { requests: { ...requests }, uploadBytes, downloadBytes };
}

class Counter implements Counts {
  readonly requests: Record<RequestKind, number> = { get: 0, head: 0, put: 0, delete: 0, list: 0 };
  uploadBytes = 0;
  downloadBytes = 0;
}

/** All kinds of requests that are counted. */
export const REQUEST_KINDS = ['get', 'head', 'put', 'delete', 'list'] as const satisfies readonly RequestKind[];
