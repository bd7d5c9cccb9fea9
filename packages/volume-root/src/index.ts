export { changeRoot } from './change-root.js';
export { Fence } from './fence.js';
export {
  checkHolder,
  describeHolder,
  expiryMs,
  HOLDER_FIELDS,
  type Holder,
  LEASE_MS_MAX,
  RENEW_MS_MAX,
  takeOverWaitMs,
} from './holder.js';
export { markDeleted } from './mark-deleted.js';
export { checkPrefix } from './prefix.js';
export { isKnownDead, type ProcessIdentity, thisProcess } from './process-identity.js';
export {
  type FoundRoot,
  MAX_CHANGE_ATTEMPTS,
  type OwnedRoot,
  putRoot,
  type RootChange,
  type RootFormat,
  type RootPlace,
  readEvenDeleted,
  readRoot,
  refuseIfDeleted,
} from './root-format.js';
export { RootObject, type RootParts, type Sighting } from './root-object.js';
export {
  checkRootName,
  checkRootNames,
  checkRootText,
  encodeRootText,
  FORMAT_VERSION,
  ownedFieldsOf,
  parseRoot,
  type RootDigest,
  type RootFields,
  type RootShape,
  type RootText,
  within,
} from './root-text.js';
export {
  type Claim,
  claimOver,
  findHolder,
  type HolderState,
  holderStateOf,
  RENEW_MS,
  refuseIfHeld,
} from './take-over.js';
export { atMost, systemVolumeClock, timeStamp, type VolumeClock } from './volume-clock.js';
export { type VolumeHolder, volumeHolderOf } from './volume-holder.js';
