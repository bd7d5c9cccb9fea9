import type { ObjectStore } from '../../store.js';

/** A kind of store that is to pass the cases. */
export interface StoreSubject {
  readonly name: string;
  /** GETs may be answered by what a handle has kept, without a request that counts. Default: false. */
  readonly keepsObjects?: boolean;
  /** A place for objects of a case's own, empty. */
  create(): Promise<StorePlace>;
}

/** The place that one case has for itself. */
export interface StorePlace {
  /** What the keys of the case begin with. Default: nothing. */
  readonly prefix?: string;
  /** A new handle on the same objects, as another process has it. The case closes it. */
  open(): Promise<ObjectStore>;
  /** Takes away the objects, and whatever else there is. */
  dispose(): Promise<void>;
}

/** The part of a test runner that is needed: vitest, mocha and `node:test` have it. */
export interface StoreRunner {
  /** Heads the cases that `body` registers, now. */
  describe(title: string, body: () => void): unknown;
  /** Registers a case, which is passed if it resolves. */
  test(title: string, body: () => Promise<void>): unknown;
}

/** What a case works with. */
export interface StoreContext {
  readonly store: ObjectStore;
  readonly prefix: string;
  /** See {@link StoreSubject.keepsObjects}. */
  readonly keepsObjects: boolean;
  /** Another handle on the same objects; closed at the end. */
  open(): Promise<ObjectStore>;
  /** A key of the case's own. */
  key(name: string): string;
}

/** A case that every store must pass. */
export interface StoreCase {
  readonly title: string;
  /** Rejects with what is wrong. */
  run(context: StoreContext): Promise<void>;
}
