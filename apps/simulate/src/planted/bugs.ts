/** A mistake made on purpose in a built package: a piece of its code and what stands there instead. */
export interface PlantedBug {
  readonly name: string;
  /** The subject that has to show it. */
  readonly subject: string;
  /** Folder of the package. */
  readonly packageFolder: string;
  readonly code: string;
  readonly instead: string;
  /** One that shows it, so that finding it is no matter of luck, or of how fast the machine is. */
  readonly seed: number;
}

/** One in each package that is simulated, of the kind that gets through reviews. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'what a read of the base brings replaces what was written meanwhile',
    subject: 'cache',
    packageFolder: 'cache',
    code: 'for (const fetch of this.of(entry)) clearBits(fetch.wanted, 0, from, to);',
    instead: '',
    seed: 6,
  },
  {
    name: 'a running fsync answers for a write that ends while it runs',
    subject: 'file',
    packageFolder: 'backend-file',
    code: 'this.#durableChanges = changes;',
    instead: 'this.#durableChanges = this.#changes;',
    seed: 15,
  },
  {
    name: 'writes join the change of an object that is being made already',
    subject: 's3',
    packageFolder: 'backend-s3',
    code: 'this.#waiting.delete(index);\n      return this.#change(index, patches);',
    instead: 'return this.#change(index, patches).finally(() => this.#waiting.delete(index));',
    seed: 4,
  },
  {
    name: 'what the cleaner has moved replaces what was written meanwhile',
    subject: 'log',
    packageFolder: 'backend-log',
    code: 'if (run.object !== from.object || run.slot !== from.slot + offset) continue;',
    instead: '',
    seed: 8,
  },
  {
    name: 'what is drained leaves the log before the base has flushed it',
    subject: 'write-log',
    packageFolder: 'write-log',
    code: 'batch.done = batch.changes.length;\n    }\n    await this.flush();',
    instead: 'batch.done = batch.changes.length;\n    }',
    seed: 28,
  },
];
