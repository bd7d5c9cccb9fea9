// Types alone: the backend itself is loaded where a URI asks for it.
export type { CheckProgress, CheckReport, SnapshotInfo } from '@blockyard/backend-log';
export type { STORE_EVENTS_CHANNEL, StoreEvent } from '@blockyard/backend-s3';
export type {
  ConnectSchemeOptions,
  CreateSchemeOptions,
  Durability,
  DurabilityClass,
  SchemeUri,
  UriScheme,
} from '@blockyard/block';
export type { BackingFacts, Qcow2Facts } from '@blockyard/qcow2';
export type { WarmStartEvent } from '@blockyard/warm-start';
export { type CachedUriDevice, type ConnectUriOptions, connectUri } from './connect.js';
export { type CreateUriOptions, createUri, type LikeOptions } from './create.js';
export { type LoadUriOptions, loadUri } from './load.js';
export { URI_EXAMPLES } from './schemes/all.js';
export type { Layout } from './schemes/layout.js';
export type { LoadedDevice, LoadedUri } from './schemes/loaded.js';
export { registerScheme } from './schemes/register.js';
export { type SchemeFinder, setSchemeFinder } from './schemes/registry.js';
export type { UriDevice } from './schemes/scheme.js';
export { OUTAGE_WAIT_MS, parseOutage } from './syntax/outage.js';
export { formatSize, parseSize } from './syntax/size.js';
export type { TierLoss, Undrained } from './tier/loss.js';
export type { TierDurability, TierOptions } from './tier/settings.js';
export type { TierSnapshot } from './tier/snapshot.js';
export { checkUri } from './volumes/check.js';
export { deleteUri } from './volumes/delete.js';
export {
  cloneUri,
  compactUri,
  rollBackUri,
  snapshotsOfUri,
  snapshotUri,
  type TakeOverOptions,
} from './volumes/history.js';
export { type InspectUriOptions, inspectUri, layoutOfUri, type UriVolumeSummary } from './volumes/inspect.js';
export { type ListedVolume, listUri } from './volumes/list.js';
export { type TierReport, tierOfUri } from './volumes/tier.js';
export type { UriWarmStartOptions } from './warm-start/settings.js';
