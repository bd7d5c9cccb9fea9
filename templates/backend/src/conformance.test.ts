import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { connectTemplate, createMedium } from './index.js';

conformance(
  {
    name: 'template',
    persistent: true,
    create: async ({ sectorSize, sizeSectors }) => {
      const medium = createMedium(sectorSize, sizeSectors);
      return {
        connect: (options = {}) => connectTemplate({ medium, ...options }),
        dispose: async () => medium.sectors.clear(),
      };
    },
  },
  { describe, test },
);
