export { connectNbd } from './client/connect.js';
export type { ClientTls, NbdOptions } from './client/options.js';
export type { Peer, ServerEvent } from './server/events.js';
export type { ExportOptions } from './server/exports/exports.js';
export { DEFAULT_LIMITS, type Limits, type Listen, type ServeOptions } from './server/options.js';
export { type NbdServer, serveNbd } from './server/server.js';
export type { RequestKind, ServerStats } from './server/stats.js';
export type { Pem, TlsOptions } from './server/tls.js';
export { formatUri, type NbdAddress, type NbdUri, parseUri } from './uri/uri.js';
