import { BlockError } from '@blockyard/block';
import type { BackingFile, Qcow2Device } from '@blockyard/qcow2';
import type { UriDevice } from '../schemes/scheme.js';
import type { DeviceUri } from '../syntax/device-uri.js';
import { backingPlace } from './backing-place.js';
import type { ImageSettings } from './settings.js';

/** What the device below has to tell that is as true of the disk in its image. */
const BELOW = [
  'durability',
  'heldBy',
  'volumeId',
  'fileId',
  'storeTraffic',
  'storeSnapshot',
  'logSnapshot',
  'tier',
  'drain',
] as const;

/**
 * The disk in the image on the device that `open` opens, for reading.
 *
 * Rejects as `connectQcow2` does, and with `CORRUPT` for backing files in a circle; leaves nothing behind then.
 */
export async function openImage(
  { uri, snapshot, followsBacking, sectorSize }: ImageSettings,
  open: (uri: DeviceUri) => Promise<UriDevice>,
): Promise<UriDevice & Qcow2Device> {
  const { connectQcow2 } = await import('@blockyard/qcow2');
  const base = await open(uri);
  try {
    const disk = await connectQcow2(base, {
      ...(sectorSize === undefined ? {} : { sectorSize }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(followsBacking ? { openBacking: (file) => open(placeOf(uri, file)) } : {}),
    });
    const facts = BELOW.filter((name) => base[name] !== undefined).map((name) => [name, base[name]]);
    return Object.assign(disk, Object.fromEntries(facts) as Pick<UriDevice, (typeof BELOW)[number]>);
  } catch (error) {
    await base.disconnect({ force: true });
    throw tellOfParameter(error, followsBacking);
  }
}

function placeOf(uri: DeviceUri, { name, through }: BackingFile): DeviceUri {
  const places = [uri];
  for (const each of [...through, name]) places.push(backingPlace(places.at(-1) ?? uri, each));
  const place = places.pop() ?? uri;
  if (!places.some(({ rest }) => rest === place.rest)) return place;
  throw new BlockError('CORRUPT', `backing files in a circle: ${JSON.stringify(name)} is above itself`);
}

/** An option of a function means little to an operator. */
function tellOfParameter(error: unknown, followsBacking: boolean): unknown {
  if (!(error instanceof BlockError) || error.code !== 'UNSUPPORTED' || followsBacking) return error;
  const message = error.message.replace('and none was allowed (openBacking)', 'which ?backing=true follows');
  return message === error.message ? error : new BlockError('UNSUPPORTED', message, { ...error, cause: error });
}
