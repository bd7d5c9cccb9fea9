import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { connectMemory } from './index.js';

conformance(
  {
    name: 'memory',
    persistent: false,
    readOnly: false,
    hugeSectors: Math.floor(Number.MAX_SAFE_INTEGER / 65_536),
    create: async (shape) => ({ connect: () => connectMemory(shape), dispose: async () => {} }),
  },
  { describe, test },
);
