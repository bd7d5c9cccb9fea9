import { type DurationCounts, durationsOf, Histogram } from '@blockyard/block';
import type { RequestKind } from '@blockyard/object-store';

/** Attempts at requests of one kind, for keys of one class. Counts since the store was opened. */
export interface AttemptCounts {
  /** As `classOf` names it. */
  readonly class: string;
  readonly kind: RequestKind;
  /** Attempts that failed: no answer, or one that is an error; not a missing object, nor a condition that does not hold. */
  readonly failed: number;
  /** Attempts that followed a failed one at the same request. */
  readonly retries: number;
  /** How long the attempts took that have ended, the failed ones too; without the time that a request waits to be sent. */
  readonly durations: DurationCounts;
}

/** Counts and times attempts, by kind and by class. */
export class AttemptsMade {
  readonly #counters = new Map<string, Counter>();

  /** An attempt has ended. */
  ended(className: string, kind: RequestKind, outcome: AttemptOutcome): void {
    const name = `${kind} ${className}`;
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = { class: className, kind, failed: 0, retries: 0, durationsUs: new Histogram() };
      this.#counters.set(name, counter);
    }
    if (outcome.hasFailed) counter.failed++;
    if (outcome.isRetry) counter.retries++;
    counter.durationsUs.add(outcome.durationMs * 1000);
  }

  /** Copies; those that had no attempts are left out. */
  snapshot(): AttemptCounts[] {
    return Array.from(this.#counters.values(), ({ durationsUs, ...counts }) => ({
      ...counts,
      durations: durationsOf(durationsUs),
    }));
  }
}

export interface AttemptOutcome {
  readonly hasFailed: boolean;
  readonly isRetry: boolean;
  readonly durationMs: number;
}

/** As many as there are kinds and classes, which are few. */
interface Counter {
  readonly class: string;
  readonly kind: RequestKind;
  failed: number;
  retries: number;
  readonly durationsUs: Histogram;
}
