// Types alone: the backend itself is loaded where a URI asks for it.
export type { STORE_EVENTS_CHANNEL, StoreEvent } from '@blockyard/backend-s3';
export { type ConnectUriOptions, connectUri } from './connect.js';
export { type CreateUriOptions, createUri, type LikeOptions } from './create.js';
export { URI_EXAMPLES } from './schemes/all.js';
export type { UriDevice } from './schemes/scheme.js';
export { OUTAGE_WAIT_MS, parseOutage } from './syntax/outage.js';
export { formatSize, parseSize } from './syntax/size.js';
