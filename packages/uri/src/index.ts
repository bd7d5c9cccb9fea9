export { type ConnectUriOptions, connectUri } from './connect.js';
export { type CreateUriOptions, createUri, type LikeOptions } from './create.js';
export { URI_EXAMPLES } from './schemes.js';
export { formatSize, parseSize } from './size.js';
