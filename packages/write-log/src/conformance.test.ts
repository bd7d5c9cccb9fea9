import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { memorySubject, orderedSubject } from './testing/subjects.js';

/** What the kit does for seconds with 2 GiB is the same whatever the medium and the options are: one subject is enough for it. */
const withoutLong = {
  describe,
  test: (title: string, body: () => Promise<void>, timeoutMs: number) => {
    if (!title.includes('of more than 2 GiB')) test(title, body, timeoutMs);
  },
};

/** Random workloads of each of the subjects that differ from the first in one way. */
const fewer = { runs: 10 };

conformance(memorySubject('write log over memory', 512, {}, [512, 4096]), { describe, test });
conformance(memorySubject('write log over memory, large sectors below', 65_536, {}, [512]), withoutLong, fewer);
conformance(
  memorySubject('write log over memory, durable on the medium', 4096, { durability: 'medium' }, [512]),
  withoutLong,
  fewer,
);
conformance(
  memorySubject('write log over memory, in no order', 4096, { keepOrder: false }, [4096]),
  withoutLong,
  fewer,
);
conformance(
  memorySubject('write log with little memory', 4096, { durability: 'medium', maxMemoryBytes: 1 << 20 }, [65_536]),
  withoutLong,
  fewer,
);
conformance(orderedSubject('write log over a log', { durability: 'base' }, [4096]), withoutLong, fewer);
conformance(
  orderedSubject('write log over a log, durable on the medium', { durability: 'medium' }, [512, 4096]),
  withoutLong,
  fewer,
);
conformance(
  orderedSubject('write log over a log, on a medium that writes durably', { durability: 'medium' }, [512], true),
  withoutLong,
  fewer,
);
