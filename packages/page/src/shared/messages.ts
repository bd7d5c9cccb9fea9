import type { Control } from '../controls.js';
import type { ServerStatus } from '../status/status.js';
import type { CellKind } from './cells.js';

/** Paths of the page's server. */
export const PATHS = {
  page: '/',
  icon: '/icon.svg',
  script: '/page.js',
  style: '/page.css',
  feed: '/feed',
  cell: '/cell',
  set: '/set',
} as const;

/** Most cells that a view may be asked for in. */
export const VIEW_CELLS_MAX = 65_536;

/** Names of the events of the feed, each with what is in it as JSON. */
export interface FeedEvents {
  readonly frame: FrameMessage;
  readonly facts: FactsMessage;
  readonly controls: ControlsMessage;
}

/** A range of the device in cells, as it differs from the frame before. */
export interface FrameMessage {
  /** Names the feed, for questions about a cell. */
  readonly viewer: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly atMs: number;
  /** What the frame is of, which may be less than was asked for. */
  readonly startSector: number;
  readonly countSectors: number;
  readonly cellSectors: number;
  readonly cells: number;
  /** Whether the frame before is no part of it: the delta is one to cells that are all 0. */
  readonly isKey: boolean;
  /** In base64. */
  readonly delta: string;
}

export interface FactsMessage {
  readonly atMs: number;
  /** Of the devices that can be chosen. */
  readonly names: readonly string[];
  /** Null while there is no device. */
  readonly device: DeviceFacts | null;
  readonly status: ServerStatus | null;
  readonly counters: Counters | null;
}

export interface DeviceFacts {
  /** Another number after the device was replaced. */
  readonly generation: number;
  readonly name: string;
  /** What the status calls it; null where nothing is told of it. */
  readonly exportName: string | null;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  /** Whether there is a map. */
  readonly hasMap: boolean;
}

/** What is there, of the moment, and since the device was opened. What the device has not is left out. */
export interface Counters {
  readonly client?: ClientCounters;
  readonly base?: {
    readonly reads: number;
    readonly writes: number;
    readonly readBytes: number;
    readonly writeBytes: number;
    readonly errors: number;
  };
  readonly cache?: {
    readonly lookups: number;
    readonly hits: number;
    readonly dirtyBytes: number;
    /** So much may be dirty before writers wait. */
    readonly dirtyLimitBytes: number;
    readonly heldBytes: number;
    readonly maxSizeBytes: number;
  };
  readonly store?: {
    readonly requests: number;
    readonly uploadBytes: number;
    readonly downloadBytes: number;
    /** US dollars of requests and transfer so far. */
    readonly usd: number;
    /** US dollars a month for what is stored; left out where that is not known. */
    readonly storageUsdPerMonth?: number;
  };
  readonly space?: { readonly aliveBytes: number; readonly deadBytes: number };
  readonly cleaning?: { readonly packs: number; readonly movedBytes: number };
  readonly tier?: { readonly undrainedBytes: number | null; readonly ringUsedShare: number | null };
}

export interface ClientCounters {
  readonly reads: number;
  readonly writes: number;
  readonly flushes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Counts of durations below each bound of `DURATION_BOUNDS_US`, reads and writes. */
  readonly readsBelow: readonly number[];
  readonly writesBelow: readonly number[];
}

export interface ControlsMessage {
  readonly controls: readonly Control[];
  /** What happened, the newest last. */
  readonly story: readonly string[];
  /** Whether the server takes changes at all. */
  readonly takesChanges: boolean;
}

/** What is in a cell of the last frame, exactly. */
export interface CellMessage {
  readonly startSector: number;
  readonly countSectors: number;
  /** Sectors by what they are; those of which there are none are left out. */
  readonly sectors: Readonly<Partial<Record<CellKind, number>>>;
}
