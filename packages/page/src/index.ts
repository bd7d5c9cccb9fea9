export type { Control, Controls, ControlValue } from './controls.js';
export type { MapOf, PageLook, PageSource } from './source.js';
export type {
  CacheStatus,
  ExportStatus,
  HolderStatus,
  ServerStatus,
  StoreStatus,
  TierStatus,
  WorkLeft,
} from './status/status.js';
