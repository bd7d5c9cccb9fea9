import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { orderedSubject } from './testing/subjects.js';

/** Random workloads in which something was found once. */
const runner = {
  describe,
  test: (title: string, body: () => Promise<void>, timeoutMs: number) => {
    if (title.startsWith('D5: of random operations in flight')) test(title, body, timeoutMs);
  },
};

// Two sizes after each other that were not durable, and records of the second one, which are dropped.
conformance(orderedSubject('write log over a log, durable on the medium', { durability: 'medium' }, [65_536]), runner, {
  seed: 1529166403,
  runs: 20,
});
