import {
  type BlockDevice,
  BlockError,
  checkDevice,
  checkInteger,
  type ListedDevice,
  type UriScheme,
} from '@blockyard/block';
import { invalid } from '../syntax/invalid.js';
import type { MakeOptions, OpenOptions, Scheme } from './scheme.js';

/** A scheme of someone else's as one of this package. What it does not declare is refused here, so that it cannot be ignored. */
export function adaptScheme(name: string, scheme: UriScheme): Scheme {
  const { example, parameters, durability } = scheme;
  return {
    example,
    parameters,
    durability,
    notCreated: `${name}: cannot create a device`,

    async open(uri, { readOnly, takeOver, maxOutageMs }: OpenOptions) {
      const device = await scheme.connect(uri, { readOnly, takeOver, maxOutageMs });
      return checkOpened(name, device, readOnly);
    },

    ...(scheme.create === undefined
      ? {}
      : {
          async make(uri, { sizeBytes, sectorSize, chunkBytes, reserve }: MakeOptions) {
            if (chunkBytes !== undefined && scheme.hasChunks !== true) {
              throw invalid(`${name}: has no chunks: leave the chunk size out`);
            }
            if (reserve && scheme.canReserve !== true)
              throw new BlockError('UNSUPPORTED', `${name}: reserves no space`);
            await scheme.create?.(uri, { sizeBytes, sectorSize, chunkBytes, reserve });
          },
        }),

    ...(scheme.delete === undefined ? {} : { remove: async (uri) => scheme.delete?.(uri) }),
    ...(scheme.list === undefined ? {} : { list: async (uri) => checkListed(name, await scheme.list?.(uri)) }),
  };
}

/** What a scheme lists, if it is what it must be. */
function checkListed(name: string, listed: readonly ListedDevice[] | undefined): readonly ListedDevice[] {
  const what = `what ${name}: listed`;
  if (!Array.isArray(listed)) throw invalid(`${what} must be a list of devices`);
  return listed.map(({ uri, sizeBytes, storedBytes }: ListedDevice) => {
    if (typeof uri !== 'string' || !uri.startsWith(`${name}:`)) throw invalid(`${what} must have URIs of its own`);
    if (sizeBytes !== undefined) checkInteger(sizeBytes, `sizeBytes of ${uri}`);
    if (storedBytes !== undefined) checkInteger(storedBytes, `storedBytes of ${uri}`);
    return { uri, sizeBytes, storedBytes };
  });
}

/** The device, if it is one and cannot be changed where that was asked for. */
async function checkOpened(name: string, device: BlockDevice, readOnly: boolean): Promise<BlockDevice> {
  checkDevice(device, `what ${name}: opened`);
  if (!readOnly || device.info.readOnly) return device;
  await device.disconnect({ force: true });
  throw new BlockError('UNSUPPORTED', `${name}: opens devices for writing alone`);
}
