export type { StatusDevice, TierFacts } from './facts.js';
export type {
  CacheStatus,
  ExportStatus,
  HolderStatus,
  ServerStatus,
  StoreStatus,
  TierStatus,
  WorkLeft,
} from './status.js';
export { StatusWatch, type Watched } from './watch.js';
