/** Has works begin in the order in which they came, `atOnceMax` of them under way at most. */
export class Turns {
  readonly #atOnceMax: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(atOnceMax = 1) {
    this.#atOnceMax = atOnceMax;
  }

  /** Settles as `work` does, which begins when its turn has come, however those before it ended. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    // Whoever ends hands its place on, so that no one who comes meanwhile gets in between.
    if (this.#underWay < this.#atOnceMax) this.#underWay++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay--;
      else next();
    }
  }
}
