import { BlockError } from '@blockyard/block';

/** Remembers that another writer has taken the volume over: from then on nothing is changed. */
export class Fence {
  readonly #lost = new AbortController();
  readonly #findHolder: () => Promise<string | undefined>;
  #reason: string | undefined;

  /** `findHolder` describes who has the volume now, if that can be found out. */
  constructor(findHolder: () => Promise<string | undefined>) {
    this.#findHolder = findHolder;
  }

  /** Fires, with the error as its reason, a moment after this writer learnt that it was replaced: when it is known by whom. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get isRaised(): boolean {
    return this.#reason !== undefined;
  }

  /** Throws `FENCED` if it was found out before. */
  check(): void {
    if (this.#reason !== undefined) throw new BlockError('FENCED', this.#reason);
  }

  /** Throws `FENCED`, now and at each later check. `holder` describes who has the volume now, where that is known already. */
  raise(what: string, holder?: string): never {
    if (this.#reason === undefined) {
      this.#reason = reasonOf(what, holder);
      void this.#tell(what, holder);
    }
    throw new BlockError('FENCED', this.#reason);
  }

  async #tell(what: string, known: string | undefined): Promise<void> {
    const holder = known ?? (await this.#findHolder().catch(() => undefined));
    this.#reason = reasonOf(what, holder);
    this.#lost.abort(new BlockError('FENCED', this.#reason));
  }
}

function reasonOf(what: string, holder: string | undefined): string {
  const who = holder === undefined ? '' : `: ${holder}`;
  return `another writer has taken the volume over${who} (${what})`;
}
