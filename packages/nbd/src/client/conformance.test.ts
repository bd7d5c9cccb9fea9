import { connectMemory } from '@blockyard/backend-memory';
import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { setUp } from '../testing/serve.js';
import { connectNbd } from './connect.js';

/** The client as a backend, over the server of this package, over memory. */
conformance(
  {
    name: 'nbd over our server',
    persistent: true,
    resizable: false,
    hugeSectors: 2 ** 32,
    create: async (shape) => {
      const device = await connectMemory(shape);
      const setup = await setUp({ device });
      const uri = setup.server.uris.disk ?? '';
      return {
        connect: ({ readOnly = false } = {}) => connectNbd(uri, { readOnly }),
        dispose: () => setup[Symbol.asyncDispose](),
      };
    },
  },
  { describe, test },
);
