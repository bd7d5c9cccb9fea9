interface Barrier {
  readonly epoch: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait until everything of an epoch, and of earlier ones, is in the base. */
export class Barriers {
  #barriers: Barrier[] = [];

  get isEmpty(): boolean {
    return this.#barriers.length === 0;
  }

  /** The latest epoch that is waited for. */
  get latest(): number {
    return this.#barriers.reduce((latest, { epoch }) => Math.max(latest, epoch), -1);
  }

  wait(epoch: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#barriers.push({ epoch, resolve, reject });
    });
  }

  /** Lets all through for whom `oldest`, the oldest epoch of which something is left, is late enough. */
  pass(oldest: number): void {
    this.#barriers = this.#barriers.filter((barrier) => {
      if (oldest <= barrier.epoch) return true;
      barrier.resolve();
      return false;
    });
  }

  fail(error: unknown): void {
    for (const { reject } of this.#barriers.splice(0)) reject(error);
  }
}
