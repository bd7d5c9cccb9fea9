export {
  type AttemptCounts,
  type S3Credentials,
  type S3CredentialsProvider,
  STORE_EVENTS_CHANNEL,
  type StoreAvailability,
  type StoreEvent,
} from '@blockyard/object-store-s3';
export type { VolumeHolder } from '@blockyard/volume-root';
export { connectS3 } from './connect.js';
export { createVolume } from './create.js';
export { deleteVolume } from './delete-volume.js';
export { inspectVolume, type VolumePlace, type VolumeSummary } from './inspect-volume.js';
export { OBJECT_SIZE_BYTES_MAX } from './layout/object-size.js';
export { measureVolume, type VolumeSpace } from './measure-volume.js';
export {
  CONCURRENCY_DEFAULT,
  CONCURRENCY_MAX,
  type ConnectS3Options,
  type CreateVolumeOptions,
  type DeleteVolumeOptions,
  OBJECT_SIZE_BYTES_DEFAULT,
  type StoreOptions,
} from './options.js';
export type { S3Device, S3Snapshot } from './root/s3-device.js';
