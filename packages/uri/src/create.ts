import { BlockError, checkBoolean, checkInteger, checkOptionNames, checkSectorSize } from '@blockyard/block';
import { schemeOf } from './schemes/all.js';
import { sectorSizeOf } from './schemes/sectors.js';
import { DeviceUri, invalid } from './syntax/device-uri.js';

export interface CreateUriOptions {
  /** Size of the device: whole sectors. */
  readonly sizeBytes: number;
  /** Bytes in a sector. Default: what `?sector=` says, or the backend's own. */
  readonly sectorSize?: number;
  /** Bytes of the device in one object, for s3:. Default: what `?chunk=` says, or the backend's own. */
  readonly chunkBytes?: number;
  /** Take all the space at once, for file:. Default: false. */
  readonly reserve?: boolean;
  /** A device whose contents will be copied here: what neither the URI nor the options say is as there. */
  readonly like?: LikeOptions;
}

export interface LikeOptions {
  /** Partition tables and file systems count in sectors of the size that they were made with. */
  readonly sectorSize: number;
  /** Only between devices that are stored as objects. */
  readonly chunkBytes?: number;
}

const KNOWN: Readonly<Record<keyof CreateUriOptions, true>> = {
  sizeBytes: true,
  sectorSize: true,
  chunkBytes: true,
  reserve: true,
  like: true,
};

/**
 * Makes a device that reads as zeroes, and takes no space for it unless that is reserved, for `connectUri` to open.
 *
 * Rejects with `ALREADY_EXISTS` if there is one, `UNSUPPORTED` where nothing can be made (memory:, nbd:) or space not be
 * reserved, `INVALID_ARGUMENT` or `UNALIGNED` for wrong sizes, and as the backend does; leaves nothing behind then.
 */
export async function createUri(text: string, options: CreateUriOptions): Promise<void> {
  try {
    checkOptionNames(options, KNOWN);
    const uri = new DeviceUri(text);
    const scheme = schemeOf(uri);
    checkInteger(options.sizeBytes, 'sizeBytes');
    const { like, reserve = false } = options;
    checkBoolean(reserve, 'reserve');
    if (like !== undefined) checkOptionNames(like, { sectorSize: true, chunkBytes: true }, 'like');
    const sectorSize = agreed('sector', sectorSizeOf(uri), options.sectorSize) ?? like?.sectorSize;
    const chunkBytes = agreed('chunk', uri.size('chunk'), options.chunkBytes);
    if (sectorSize !== undefined) checkSectorSize(sectorSize);
    if (scheme.make === undefined) throw new BlockError('UNSUPPORTED', scheme.notCreated ?? 'it cannot be created');
    const likeChunks = scheme.parameters.includes('chunk') ? like?.chunkBytes : undefined;
    await scheme.make(uri, { sizeBytes: options.sizeBytes, sectorSize, chunkBytes: chunkBytes ?? likeChunks, reserve });
  } catch (error) {
    throw BlockError.from(error, { operation: 'create' });
  }
}

/** What the URI or the options say, if they do not disagree. */
function agreed(name: string, inUri: number | undefined, inOptions: number | undefined): number | undefined {
  if (inUri !== undefined && inOptions !== undefined && inUri !== inOptions) {
    throw invalid(`?${name}=${inUri} of the URI is not the ${inOptions} that was asked for`);
  }
  return inOptions ?? inUri;
}
