import type { PutObjectCommand } from '@aws-sdk/client-s3';
import { judge } from '../link/verdict.js';

/** One attempt that was sent. What comes after its end has no effect. */
export interface Attempt {
  readonly answered: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The attempts at a PUT, one by one, also those that a client makes by itself. `unanswered`: after one of them it is open
 * whether the store carried it out, or still will. So it is while one is under way, and for one that was given up.
 */
export class Attempts {
  #open = 0;

  get unanswered(): boolean {
    return this.#open > 0;
  }

  begin(): Attempt {
    this.#open++;
    let isOpen = true;
    const answered = () => {
      if (isOpen) this.#open--;
      isOpen = false;
    };
    return {
      answered,
      failed: (error) => {
        if (judge(error).carriedOut === 'no') answered();
      },
    };
  }

  /** Looks at the attempts at a command. `begun`: the first of them, if its answer is there already. */
  watch(command: PutObjectCommand, begun: Attempt | undefined): void {
    let first = begun;
    command.middlewareStack.add(
      (next) => async (args) => {
        const attempt = first ?? this.begin();
        first = undefined;
        try {
          const result = await next(args);
          // A yes without a version is whatever a proxy may say.
          if (result.output?.ETag !== undefined) attempt.answered();
          return result;
        } catch (error) {
          attempt.failed(error);
          throw error;
        }
      },
      // Within the SDK's retries, around its reading of the answer.
      { name: 'watchAttempts', step: 'deserialize', priority: 'high' },
    );
  }
}
