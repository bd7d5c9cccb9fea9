import { BlockError } from '@blockyard/block';

/** Remembers that another writer has taken the volume over: from then on nothing is changed any more. */
export class Fence {
  #reason: string | undefined;

  /** Throws `FENCED` if it was found out before. */
  check(): void {
    if (this.#reason !== undefined) throw new BlockError('FENCED', this.#reason);
  }

  /** Throws `FENCED`, now and at each later check. */
  raise(reason: string): never {
    this.#reason ??= `another writer has taken the volume over: ${reason}`;
    throw new BlockError('FENCED', this.#reason);
  }
}
