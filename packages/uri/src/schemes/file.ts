import { stat } from 'node:fs/promises';
import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { TIER_PARAMETERS } from '../tier/settings.js';
import type { Scheme } from './scheme.js';
import { sectorSizeOf, sectorsOf } from './sectors.js';

const SECTOR_SIZE = 512;

export const file: Scheme = {
  example: 'file:/srv/disk.img',
  durability: { write: 'memory', flush: 'local' },
  parameters: ['sector', 'lock', ...TIER_PARAMETERS],

  async open(uri, { readOnly }) {
    const options = optionsOf(uri);
    const { connectFile } = await import('@blockyard/backend-file');
    const device = await connectFile({ ...options, readOnly });
    const found = await stat(uri.path, { bigint: true }).catch(() => undefined);
    return Object.assign(device, found && { fileId: `${found.dev}:${found.ino}` });
  },

  async make(uri, { sizeBytes, sectorSize = SECTOR_SIZE, chunkBytes, reserve }) {
    if (chunkBytes !== undefined) throw invalid('a file has no chunks: leave the chunk size out');
    const options = optionsOf(uri);
    const create = { sizeSectors: sectorsOf(sizeBytes, sectorSize), reserve };
    const { connectFile } = await import('@blockyard/backend-file');
    const device = await connectFile({ ...options, sectorSize, create });
    await device.disconnect();
  },
};

function optionsOf(uri: DeviceUri) {
  const sectorSize = sectorSizeOf(uri);
  const lock = uri.flag('lock');
  return {
    path: uri.path,
    ...(sectorSize === undefined ? {} : { sectorSize }),
    ...(lock === undefined ? {} : { lock }),
  };
}
