import type { LogStatistics } from '@blockyard/backend-log';
import type { S3Snapshot } from '@blockyard/backend-s3';
import type { BlockDevice, Durability, ListedDevice } from '@blockyard/block';
import type { CacheSnapshot } from '@blockyard/cache';
import type { ObjectStore, Traffic } from '@blockyard/object-store';
import type { Qcow2Facts } from '@blockyard/qcow2';
import type { VolumeHolder } from '@blockyard/volume-root';
import type { DeviceUri } from '../syntax/device-uri.js';
import type { TierLoss } from '../tier/loss.js';
import type { RangeSteps } from '../tier/on-tier.js';
import type { TierSettings } from '../tier/settings.js';
import type { TierSnapshot } from '../tier/snapshot.js';
import type { Layout } from './layout.js';
import type { LoadedDevice, LoadedUri } from './loaded.js';
import type { Secret } from './secret.js';

/** A device, with what its backend has to tell of it beyond the contract. */
export interface UriDevice extends BlockDevice {
  /**
   * Who had it open for writing before: null for no one. Left out where that is not recorded, as it is in a store of objects.
   */
  readonly heldBy?: VolumeHolder | null;
  /** Tells a volume in a store of objects from any other, for good. Left out by other devices. */
  readonly volumeId?: string;
  /** Tells a file from another one that is put at its path while it is open. Left out by other devices. */
  readonly fileId?: string;
  /** How a volume in a store of objects is laid out. Left out by other devices, and by a cache. */
  readonly layout?: Layout;
  /**
   * Requests and bytes that went to its store and came from it since it was opened, in all and by class. Left out where there is
   * no store of objects. `costOf` of `@blockyard/object-store` makes dollars of it.
   */
  readonly storeTraffic?: () => Traffic;
  /** What its S3 store has done, and how it is. Left out where there is none. */
  readonly storeSnapshot?: () => S3Snapshot;
  /** What a log volume does and has. Left out by other devices; undefined where it is only read. */
  readonly logSnapshot?: () => LogStatistics | undefined;
  /** What the write-back cache that was put before it does and has. Left out where there is none. */
  readonly cacheSnapshot?: () => CacheSnapshot;
  /** What its tier has and does. Left out where it has none. */
  readonly tier?: () => TierSnapshot;
  /**
   * Sectors of a range that are on its tier and in no cache above it, as far as memory tells; undefined where a caller may let others
   * go first, and what changes between may be in it or not. Left out where no tier has anything.
   */
  readonly onTier?: (start: number, count: number) => RangeSteps;
  /** Brings what its tier alone has to the store. Resolves when the store has it, durably. Left out where no tier has anything. */
  readonly drain?: () => Promise<void>;
  /**
   * For an upgrade, whose next opening follows at once: does beforehand what would make `disconnect` and that opening take long, and
   * leaves to that opening what it can. May be called again, for what has come since. Rejects as `drain` does. Left out where
   * nothing takes long.
   */
  readonly prepareToLeave?: () => Promise<void>;
  /** The upgrade was given up: all goes on as before. */
  readonly stay?: () => void;
  /** Once it was disconnected: what the next opening need not read again, for `connectUri`. Left out where nothing is read. */
  readonly left?: () => LoadedDevice | undefined;
  /** What the image is, for the disk in one. Left out by all others. */
  readonly image?: Qcow2Facts;
  /** Where what was written is, and what was flushed. */
  readonly durability: Durability;
}

/** A device as a scheme opens it. */
export type OpenedDevice = Omit<UriDevice, 'durability'> & Partial<Pick<UriDevice, 'durability'>>;

/** What a device is opened with, beside its URI. */
export interface OpenOptions {
  readonly readOnly: boolean;
  /** Longest that a store may be away before its requests fail, where the URI does not say it. */
  readonly maxOutageMs: number | undefined;
  /** Where it can be taken from a process that is alive: whether it is. */
  readonly takeOver: boolean;
  /** The tier that it gets, if it has a use for one. */
  readonly tier: TierSettings | undefined;
  /** Whether it is opened without the tier that it has, too. */
  readonly acceptLoss: boolean;
  /** Told what is lost by that. */
  readonly onTierLoss: (loss: TierLoss) => void;
  /**
   * Throws if what is to be put over the device cannot be put over one with sectors of that size. Called before a volume in a store
   * is opened, which may take it from another process.
   */
  readonly checkSectors: (sectorSize: number) => void;
  /** What need not be read, where it is a log volume. */
  readonly loaded?: LoadedDevice | undefined;
}

/** What a device is made with, beside its URI. */
export interface MakeOptions {
  readonly sizeBytes: number;
  /** What the URI says, or its backend's default. */
  readonly sectorSize: number | undefined;
  /** Bytes of the device in one object, where it is stored as chunks. */
  readonly chunkBytes: number | undefined;
  /** Take all the space at once. */
  readonly reserve: boolean;
  /** One of the scheme's, if it has any. */
  readonly layout: Layout | undefined;
  /** What the device is encrypted with: only for layouts that can. */
  readonly secret: Secret;
}

/** How one kind of URI becomes a device. One for each backend, in the table of `all.ts`. */
export interface Scheme {
  /** Shown where a scheme is unknown. */
  readonly example: string;
  /** Names of the parameters that the URI may have. */
  readonly parameters: readonly string[];
  open(uri: DeviceUri, options: OpenOptions): Promise<OpenedDevice>;
  /** What its devices are, where they do not say it. */
  readonly durability: Durability;
  /** Makes what `open` opens. Left out where nothing can be made: the reason is `notCreated`. */
  make?(uri: DeviceUri, options: MakeOptions): Promise<void>;
  readonly notCreated?: string;
  /** Deletes what `open` opens, where devices are no volumes. Left out where nothing can be deleted. */
  remove?(uri: DeviceUri): Promise<void>;
  /** What `open` could open at or below a URI, where devices are no volumes. Left out where nothing can be listed. */
  list?(uri: DeviceUri): Promise<readonly ListedDevice[]>;
  /** Where devices are volumes in a store of objects. Left out where they are not. */
  readonly volumes?: VolumeScheme;
}

/** What a scheme has whose devices are volumes in a store of objects. Their URIs may end in an @ and a moment of the past. */
export interface VolumeScheme {
  /** How volumes can be laid out, the default first. */
  readonly layouts: readonly [Layout, ...Layout[]];
  /** Opens the store in which the URI's volume lies. `close` it in the end. */
  openStore(uri: DeviceUri, options?: OpenStoreOptions): Promise<StorePlace>;
  /** Reads of a log volume what `open` would. Undefined for another layout. */
  load?(uri: DeviceUri, options: LoadOptions): Promise<LoadedUri | undefined>;
}

export type LoadOptions = Pick<OpenOptions, 'maxOutageMs' | 'tier'>;

export interface OpenStoreOptions {
  /** Whether the URI names not a volume but what is to be listed, which may be all of the store. Default: false. */
  readonly isListing?: boolean;
}

/** Where a volume, or several, lie: an open store, and what the keys begin with. */
export interface StorePlace {
  readonly store: ObjectStore;
  /** Empty: all of the store. */
  readonly prefix: string;
  /** Tells the store from any other. */
  readonly storeId: string;
  readonly secret: Secret;
  /** Deletes the volume if it is one of chunks, which opens a store of its own. Left out where there are none. */
  readonly deleteChunks?: (options: { readonly takeOver: boolean }) => Promise<void>;
}
