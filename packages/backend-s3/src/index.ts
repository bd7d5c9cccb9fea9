export { connectS3 } from './connect.js';
export { createVolume } from './create.js';
export type { S3Credentials, S3CredentialsProvider } from './store/credentials.js';
export { deleteVolume } from './delete-volume.js';
export { STORE_EVENTS_CHANNEL, type StoreEvent } from './store/events.js';
export {
  CONCURRENCY_DEFAULT,
  CONCURRENCY_MAX,
  type ConnectS3Options,
  type CreateVolumeOptions,
  type DeleteVolumeOptions,
  OBJECT_SIZE_BYTES_DEFAULT,
  OBJECT_SIZE_BYTES_MAX,
  type StoreOptions,
} from './options.js';
export type { S3Device, VolumeHolder } from './root/volume-holder.js';
