/** What a server tells of itself. Plain JSON: what is not known, or is not there, is null. */
export interface ServerStatus {
  readonly version: string;
  readonly process: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly state: 'serving' | 'stopping';
  /** Whether the server could end at this moment, even by force, and lose nothing that was accepted. */
  readonly safeToStop: boolean;
  /** Of all exports together. */
  readonly left: WorkLeft;
  readonly clients: {
    readonly connections: number;
    /** Read and not answered. */
    readonly requestsInFlight: number;
    /** Since the server began: requests, and the bytes that they read and wrote. */
    readonly requests: number;
    readonly readBytes: number;
    readonly writtenBytes: number;
  };
  readonly exports: readonly ExportStatus[];
}

/** What has to be done until all is durable, if nothing were added. */
export interface WorkLeft {
  readonly bytes: number;
  /** Of the base or the store, about. */
  readonly requests: number;
  /** From now on; while the store is away, from its return. Null: not known yet. */
  readonly seconds: number | null;
  /** `measured` in the last seconds, or `remembered` from the fastest that was measured before. */
  readonly basis: 'measured' | 'remembered' | null;
}

/** A device that is served: what it is, what is not durable yet, and where that waits. */
export interface ExportStatus {
  readonly name: string;
  /** What it is made of, as the device names itself. */
  readonly device: string;
  readonly sizeBytes: number;
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly safeToStop: boolean;
  readonly left: WorkLeft;
  /** For how long the oldest change has waited that is not durable. */
  readonly oldestUnflushedMs: number | null;
  readonly store: StoreStatus;
  readonly tier: TierStatus | null;
  /** Of a volume that has one writer: whether another has taken it, and who. */
  readonly fencing: { readonly isFenced: boolean; readonly message: string | null };
  /** Who has the volume open for writing; null for no one, where that is not recorded, and once it was taken over. */
  readonly holder: HolderStatus | null;
  readonly cache: CacheStatus | null;
}

/** The process that has a volume open for writing. */
export interface HolderStatus {
  readonly host: string;
  readonly process: number;
  /** ISO 8601: when it opened the volume. */
  readonly since: string;
  /** `self`: this server. Of another process, as it was when this server opened the volume for reading. */
  readonly state: 'self' | 'alive' | 'silent' | 'dead';
}

/** What the device is stored in, an S3 store or any other base. */
export interface StoreStatus {
  /** `away`: it does not answer. */
  readonly state: 'up' | 'away';
  readonly awayMs: number | null;
  readonly nextTryMs: number | null;
  readonly error: string | null;
}

/** A tier on a local disk. */
export interface TierStatus {
  readonly directory: string;
  /** What it has and the store has not; null for a tier that keeps only what was read and written there. */
  readonly undrainedBytes: number | null;
  readonly oldestUndrainedMs: number | null;
  /** Whether its disk fails. */
  readonly isFailing: boolean;
}

/** The bytes of a cache, and how often it had what was asked for. */
export interface CacheStatus {
  readonly maxSizeBytes: number;
  readonly heldBytes: number;
  readonly dirtyBytes: number;
  readonly lookups: number;
  readonly hits: number;
}
