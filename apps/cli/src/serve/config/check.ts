import { tierOptionsOf } from '../../arguments/tier.js';
import { warmStartOptionsOf } from '../../arguments/warm-start.js';
import { UsageError } from '../../terminal/failure.js';
import type { Plan } from './options.js';
import { readToken } from './read-token.js';
import { readTls } from './tls.js';

/** Rejects with a `UsageError` if what a plan says does not go together, or a file that it names cannot be used. Opens no device. */
export async function checkPlan({ server, volumes }: Plan): Promise<void> {
  await readTls(server);
  await readToken(server);
  for (const { name, options } of volumes) {
    try {
      tierOptionsOf(options);
      warmStartOptionsOf(options, options.cache !== undefined);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`volume ${JSON.stringify(name)}: ${error.message}`, error.hint);
    }
  }
}
