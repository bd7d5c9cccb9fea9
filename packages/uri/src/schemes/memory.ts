import { withReadOnly } from '@blockyard/layers';
import { invalid } from '../syntax/invalid.js';
import type { Scheme } from './scheme.js';
import { sectorSizeOf, sectorsOf } from './sectors.js';

const SECTOR_SIZE = 512;

export const memory: Scheme = {
  example: 'memory:?size=1G',
  durability: { write: 'memory', flush: 'memory' },
  parameters: ['size', 'sector'],
  notCreated: 'a memory device is made when it is opened, and gone with its process',

  async open(uri, { readOnly }) {
    if (uri.rest !== '') throw invalid('nothing stands between memory: and ?size=');
    const sizeBytes = uri.size('size');
    if (sizeBytes === undefined) throw invalid('a memory device needs ?size=, such as memory:?size=1G');
    const sectorSize = sectorSizeOf(uri) ?? SECTOR_SIZE;
    const sizeSectors = sectorsOf(sizeBytes, sectorSize);
    const { connectMemory } = await import('@blockyard/backend-memory');
    const device = await connectMemory({ sizeSectors, sectorSize });
    return readOnly ? withReadOnly(device) : device;
  },
};
