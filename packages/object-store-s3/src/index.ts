export { STORE_EVENTS_CHANNEL, type StoreEvent } from './events.js';
export type { AttemptCounts } from './link/attempts-made.js';
export type { S3Credentials, S3CredentialsProvider } from './link/credentials.js';
export type { S3StoreSnapshot, StoreAvailability } from './link/snapshot.js';
export { openS3Store } from './open.js';
export {
  checkS3Connection,
  MAX_CONCURRENCY_DEFAULT,
  MAX_CONCURRENCY_MAX,
  S3_CONNECTION_OPTIONS,
  type S3ConnectionOptions,
  type S3ConnectionSettings,
  type S3StoreOptions,
} from './options.js';
export type { S3ObjectStore } from './store.js';
