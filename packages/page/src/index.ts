export type { Control, Controls, ControlValue } from './controls.js';
export { type PageOptions, type PageServer, servePage } from './server/server.js';
export type { MapOf, PageDevice, PageLook, PageSource, TierOf } from './source.js';
