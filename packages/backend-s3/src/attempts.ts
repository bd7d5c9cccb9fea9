import type { PutObjectCommand } from '@aws-sdk/client-s3';
import { isRefused } from './store-error.js';

/**
 * Looks at the attempts that the SDK makes at a command, one by one. `unanswered`: after one of them it is open whether the store
 * carried it out, or still will.
 */
export function watchAttempts(command: PutObjectCommand): { readonly unanswered: boolean } {
  const attempts = { unanswered: false };
  command.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (!isRefused(error)) attempts.unanswered = true;
        throw error;
      }
    },
    // Within the SDK's retries, around its reading of the answer.
    { name: 'watchAttempts', step: 'deserialize', priority: 'high' },
  );
  return attempts;
}
