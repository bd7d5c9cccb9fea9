/** One write, discard, writeZeroes or resize, as its caller knows it. */
export interface Change {
  /** For messages: `writer 3 (sectors 4 to 7)`. */
  readonly name: string;
  readonly begunAt: number;
  /** Infinity while in flight. */
  settledAt: number;
  /** Infinity until it is, and for ever if it failed. */
  acceptedAt: number;
  /** It failed, and may be there all the same, at any time. */
  mayComeLate: boolean;
}

/** A change is called. */
export function beginChange(name: string, begunAt: number): Change {
  const never = Number.POSITIVE_INFINITY;
  return { name, begunAt, settledAt: never, acceptedAt: never, mayComeLate: false };
}

/** A change that was over and done at one moment: what was there at the beginning, or after a crash. */
export function pastChange(name: string, at: number): Change {
  return { name, begunAt: at, settledAt: at, acceptedAt: at, mayComeLate: false };
}

export function accept(change: Change, at: number): void {
  change.settledAt = at;
  change.acceptedAt = at;
}

/** `writer 3 (sectors 4 to 7)`. */
export function nameOf(what: string, start: number, count: number): string {
  return count === 1 ? `${what} (sector ${start})` : `${what} (sectors ${start} to ${start + count - 1})`;
}
