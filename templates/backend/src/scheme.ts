import { type BlockDevice, BlockError, type SchemeUri, type UriScheme } from '@blockyard/block';
import { connectTemplate, createTemplate, deleteTemplate } from './connect.js';

const NAME = 'template';

const scheme: UriScheme = {
  example: `${NAME}:/srv/volumes/one`,
  parameters: ['sector', 'chunk'],
  durability: { write: 'memory', flush: 'local' },
  hasChunks: true,

  async connect(uri, { readOnly }) {
    const device = await connectTemplate({ path: uri.path, readOnly });
    try {
      checkStored(uri, device);
      return device;
    } catch (error) {
      await device.disconnect({ force: true });
      throw error;
    }
  },

  async create({ path }, { sizeBytes, sectorSize, chunkBytes }) {
    const sector = sectorSize === undefined ? {} : { sectorSize };
    const chunk = chunkBytes === undefined ? {} : { chunkBytes };
    await createTemplate({ path, sizeBytes, ...sector, ...chunk });
  },

  delete: ({ path }) => deleteTemplate({ path }),
};

/** What URIs of this backend begin with. The command finds them here. */
export const schemes = { [NAME]: scheme };

/** A URI that says what a volume is not was meant for another: a caller that names a sector size counts in it. */
function checkStored(uri: SchemeUri, { info }: BlockDevice): void {
  const stored = { sector: info.sectorSize, chunk: info.preferredIoBytes };
  for (const [name, value] of Object.entries(stored)) {
    const wanted = uri.size(name);
    if (wanted === undefined || wanted === value) continue;
    throw new BlockError('INVALID_ARGUMENT', `${info.name} was created with ?${name}=${value}, not ${wanted}`);
  }
}
