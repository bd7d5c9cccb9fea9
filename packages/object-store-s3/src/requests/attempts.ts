import type { PutObjectCommand } from '@aws-sdk/client-s3';
import { judge } from '../link/verdict.js';

/**
 * Looks at the attempts at a command, one by one, also at those that a client makes by itself. `unanswered`: after one of them
 * it is open whether the store carried it out, or still will. So it is while one is under way, and for one that was given up.
 */
export function watchAttempts(command: PutObjectCommand): { readonly unanswered: boolean } {
  let open = 0;
  command.middlewareStack.add(
    (next) => async (args) => {
      open++;
      try {
        const result = await next(args);
        // A yes without a version is whatever a proxy may say.
        if (result.output?.ETag !== undefined) open--;
        return result;
      } catch (error) {
        if (judge(error).carriedOut === 'no') open--;
        throw error;
      }
    },
    // Within the SDK's retries, around its reading of the answer.
    { name: 'watchAttempts', step: 'deserialize', priority: 'high' },
  );
  return {
    get unanswered() {
      return open > 0;
    },
  };
}
