import { BlockError } from '@blockyard/block';
import { sectorSizeOf } from '../schemes/sectors.js';
import { DeviceUri, IMAGE_PARAMETERS } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';

/** What a URI says of the image that its device holds. */
export interface ImageSettings {
  /** The URI of the device itself. */
  readonly uri: DeviceUri;
  readonly format: 'raw' | 'qcow2';
  readonly snapshot: string | undefined;
  readonly followsBacking: boolean;
  /** Of the disk in the image. */
  readonly sectorSize: number | undefined;
}

/** Never by what is on the device, which may be a guest's to write. Throws `INVALID_ARGUMENT`. */
export function imageSettingsOf(uri: DeviceUri): ImageSettings {
  const format = uri.choice('format', ['raw', 'qcow2']) ?? 'raw';
  const [snapshot, backing] = [uri.parameter('snapshot'), uri.flag('backing')];
  if (format === 'raw' && (snapshot !== undefined || backing !== undefined)) {
    throw invalid('?snapshot= and ?backing= are for an image, with ?format=qcow2');
  }
  const own = new DeviceUri(uri.without(IMAGE_PARAMETERS));
  return { uri: own, format, snapshot, followsBacking: backing ?? false, sectorSize: sectorSizeOf(uri) };
}

/** The URI of the device itself, where that is to be made. Throws `UNSUPPORTED` where it would be an image. */
export function withoutImage(uri: DeviceUri): DeviceUri {
  const settings = imageSettingsOf(uri);
  if (settings.format === 'raw') return settings.uri;
  throw new BlockError('UNSUPPORTED', 'an image with ?format=qcow2 is only read: qemu-img makes one');
}
