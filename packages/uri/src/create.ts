import {
  BlockError,
  checkBoolean,
  checkInteger,
  checkOptionNames,
  checkSectorSize,
  type SizeOptions,
  sizeSectorsOf,
} from '@blockyard/block';
import { withoutImage } from './image/settings.js';
import { schemeOf } from './schemes/all.js';
import { LAYOUTS, type Layout, layoutIn } from './schemes/layout.js';
import type { Scheme } from './schemes/scheme.js';
import { isSecret, readSecret } from './schemes/secret.js';
import { sectorSizeOf } from './schemes/sectors.js';
import { DeviceUri } from './syntax/device-uri.js';
import { invalid } from './syntax/invalid.js';

/** The size is in either form; in sectors, their size must be given as well. */
export interface CreateUriOptions extends SizeOptions {
  /** Bytes in a sector. Default: what `?sector=` says, or the backend's own. */
  readonly sectorSize?: number;
  /** How a volume in a store is laid out. Default: what `?layout=` says; else `chunks` for s3:, `log` for dir: and if it is encrypted. */
  readonly layout?: Layout;
  /** Bytes of the device in one object, for chunks. Default: what `?chunk=` says, or the backend's own. */
  readonly chunkBytes?: number;
  /** Encrypt, or fail if there is nothing to encrypt with. Default: whether the URI or `passphraseFile` names something. */
  readonly encrypt?: boolean;
  /** Path of a file with the passphrase to encrypt with. Default: what `?passphrase-file=` or `?key-file=` says. */
  readonly passphraseFile?: string;
  /** Take all the space at once, for file:. Default: false. */
  readonly reserve?: boolean;
  /** A device whose contents will be copied here: what neither the URI nor the options say is as there. */
  readonly like?: LikeOptions;
}

/** What a new device has to have in common with another one. */
export interface LikeOptions {
  /** Partition tables and file systems count in sectors of the size that they were made with. */
  readonly sectorSize: number;
  /** Only between devices that are stored as objects. */
  readonly layout?: Layout;
  /** Only between devices that are stored as chunks. */
  readonly chunkBytes?: number;
}

const KNOWN: Readonly<Record<keyof CreateUriOptions, true>> = {
  sizeBytes: true,
  sizeSectors: true,
  sectorSize: true,
  layout: true,
  chunkBytes: true,
  encrypt: true,
  passphraseFile: true,
  reserve: true,
  like: true,
};
const KNOWN_LIKE: Readonly<Record<keyof LikeOptions, true>> = { sectorSize: true, layout: true, chunkBytes: true };

/**
 * Makes a device that reads as zeroes, and takes no space for it unless that is reserved, for `connectUri` to open.
 *
 * Rejects with `ALREADY_EXISTS` if there is one, `UNSUPPORTED` where nothing can be made (memory:, nbd:) or space not be
 * reserved, `INVALID_ARGUMENT` or `UNALIGNED` for wrong sizes, and as the backend does; leaves no device behind then.
 *
 * @example
 * ```ts
 * import { connectUri, createUri } from '@blockyard/uri';
 *
 * await createUri('dir:volumes/a', { sizeBytes: 2 ** 30 });
 * const device = await connectUri('dir:volumes/a', { readOnly: true });
 * console.log(device.info.sizeSectors * device.info.sectorSize); // 1073741824
 * await device.disconnect();
 * ```
 */
export async function createUri(text: string, options: CreateUriOptions): Promise<void> {
  try {
    checkOptionNames(options, KNOWN);
    const uri = withoutImage(new DeviceUri(text));
    const scheme = await schemeOf(uri);
    const { like, reserve = false, passphraseFile } = checkOptions(options);
    const sectorSize = agreed('sector', sectorSizeOf(uri), options.sectorSize) ?? like?.sectorSize;
    const chunkBytes = agreed('chunk', uri.size('chunk'), options.chunkBytes);
    if (sectorSize !== undefined) checkSectorSize(sectorSize);
    if (scheme.make === undefined) throw new BlockError('UNSUPPORTED', scheme.notCreated ?? 'it cannot be created');
    if (scheme.volumes !== undefined && uri.moment !== undefined)
      throw invalid('the past cannot be created: leave the @ out');
    const secret = await readSecret(uri, agreed('passphrase-file', uri.parameter('passphrase-file'), passphraseFile));
    const isEncrypted = isSecret(secret);
    if (options.encrypt === true && !isEncrypted)
      throw invalid('to encrypt takes a passphrase: name a file that has it');
    if (options.encrypt === false && isEncrypted) throw invalid('a passphrase without encryption: leave one out');
    const layout = layoutFor(scheme, {
      wanted: agreed('layout', layoutIn(uri), options.layout),
      like: like?.layout,
      isEncrypted,
      hasChunks: chunkBytes !== undefined,
    });
    if (isEncrypted && layout !== 'log') throw invalid('only a volume of layout log can be encrypted');
    const likeChunks = layout === 'chunks' ? like?.chunkBytes : undefined;
    const common = { sizeBytes: sizeBytesOf(options, sectorSize), sectorSize, reserve, layout, secret };
    await scheme.make(uri, { ...common, chunkBytes: chunkBytes ?? likeChunks });
  } catch (error) {
    throw BlockError.from(error, { operation: 'create' });
  }
}

/** Bytes of a size in either form. */
function sizeBytesOf(size: SizeOptions, sectorSize: number | undefined): number {
  if (size.sizeSectors === undefined && size.sizeBytes !== undefined) {
    checkInteger(size.sizeBytes, 'sizeBytes');
    return size.sizeBytes;
  }
  if (size.sizeBytes === undefined && sectorSize === undefined) {
    throw invalid('give either sizeBytes, or sizeSectors with sectorSize');
  }
  return sizeSectorsOf(size, sectorSize ?? 1) * (sectorSize ?? 1);
}

function checkOptions(options: CreateUriOptions): CreateUriOptions {
  const { like, reserve, encrypt, layout, passphraseFile } = options;
  if (reserve !== undefined) checkBoolean(reserve, 'reserve');
  if (encrypt !== undefined) checkBoolean(encrypt, 'encrypt');
  if (layout !== undefined && !LAYOUTS.includes(layout)) throw invalid(`layout must be ${LAYOUTS.join(' or ')}`);
  if (passphraseFile !== undefined && (typeof passphraseFile !== 'string' || passphraseFile === '')) {
    throw invalid('passphraseFile must be the path of a file');
  }
  if (like !== undefined) checkOptionNames(like, KNOWN_LIKE, 'like');
  return options;
}

interface LayoutWishes {
  readonly wanted: Layout | undefined;
  readonly like: Layout | undefined;
  readonly isEncrypted: boolean;
  readonly hasChunks: boolean;
}

/** The layout of what is made; undefined where there are none. */
function layoutFor({ volumes }: Scheme, { wanted, like, isEncrypted, hasChunks }: LayoutWishes): Layout | undefined {
  if (volumes === undefined) {
    if (wanted !== undefined) throw invalid('only volumes in a store of objects have a layout: leave it out');
    return undefined;
  }
  const { layouts } = volumes;
  const needed = wanted ?? (isEncrypted ? 'log' : hasChunks ? 'chunks' : undefined);
  if (needed === undefined) return layouts.find((each) => each === like) ?? layouts[0];
  if (layouts.includes(needed)) return needed;
  throw invalid(`volumes there are of layout ${layouts.join(' or ')}, not ${needed}`);
}

/** What the URI or the options say, if they do not disagree. */
function agreed<T extends number | string>(
  name: string,
  inUri: T | undefined,
  inOptions: T | undefined,
): T | undefined {
  if (inUri !== undefined && inOptions !== undefined && inUri !== inOptions) {
    throw invalid(`?${name}=${inUri} of the URI is not the ${inOptions} that was asked for`);
  }
  return inOptions ?? inUri;
}
