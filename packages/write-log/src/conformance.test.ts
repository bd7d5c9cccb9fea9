import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { memorySubject, orderedSubject } from './testing/subjects.js';

conformance(memorySubject('write log over memory', 512, {}), { describe, test });
conformance(memorySubject('write log over memory, large sectors below', 65_536, {}, [512]), { describe, test });
conformance(memorySubject('write log over memory, durable on the medium', 4096, { durability: 'medium' }), {
  describe,
  test,
});
conformance(memorySubject('write log over memory, in no order', 4096, { keepOrder: false }, [4096]), {
  describe,
  test,
});
conformance(
  memorySubject('write log with little memory', 4096, { durability: 'medium', maxMemoryBytes: 1 << 20 }, [65_536]),
  { describe, test },
);
conformance(orderedSubject('write log over a log', { durability: 'base' }), { describe, test });
conformance(orderedSubject('write log over a log, durable on the medium', { durability: 'medium' }), {
  describe,
  test,
});
