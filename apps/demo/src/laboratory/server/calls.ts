import type { BlockErrorCode, DeviceInfo } from '@blockyard/block';
import type { BlockMap } from '@blockyard/cache';
import type { Snapshots } from '@blockyard/metrics';
import type { ServerStatus } from '@blockyard/page/status';

/** What the process that serves the volume can be asked for. Each may reject with a `BlockError`. */
export interface ServerCalls {
  /** Makes a volume that reads as zeroes. */
  create(volume: { readonly uri: string; readonly sizeBytes: number }): Promise<void>;
  /** Opens a volume, behind a cache if that has a size, and serves it. */
  open(served: Served): Promise<void>;
  /** Flushes the volume, and closes it. */
  close(): Promise<void>;
  /** Deletes a volume in a store, which must be closed. */
  delete(uri: string): Promise<void>;
  /** Keeps what was flushed under a name. */
  takeSnapshot(name: string): Promise<void>;
  deleteSnapshot(name: string): Promise<void>;
  /** Makes the volume, which must be closed, what it was at that snapshot. */
  rollBack(snapshot: { readonly uri: string; readonly name: string }): Promise<void>;
  setCacheBytes(sizeBytes: number): Promise<void>;
  /** What happens to requests on their way to a base that is not a store. */
  setWire(wire: WireState): Promise<void>;
  look(): Promise<ServerLook>;
  /** The states of a range in at most so many cells; `UNSUPPORTED` without a cache. */
  map(cells: MapRange): Promise<BlockMap>;
}

/** What happens to each request on its way to the base. */
export interface WireState {
  readonly latencyMs: number;
  /** Whether nothing gets through. */
  readonly isCut: boolean;
}

/** What is served, and where. */
export interface Served {
  readonly uri: string;
  readonly cacheBytes: number | undefined;
  /** Path of the Unix socket. */
  readonly socketPath: string;
  /** Whether the wire to the base is in this process; if not, it is before the store. */
  readonly hasWire: boolean;
}

export interface MapRange {
  readonly start: number;
  readonly count: number;
  readonly maxCells: number;
}

/** What the process has to tell of this moment. */
export interface ServerLook {
  readonly info: DeviceInfo;
  readonly snapshots: Snapshots;
  readonly status: ServerStatus;
  readonly hasCache: boolean;
}

export type CallName = keyof ServerCalls;
export type ArgumentOf<N extends CallName> = Parameters<ServerCalls[N]>[0];
export type ResultOf<N extends CallName> = Awaited<ReturnType<ServerCalls[N]>>;

/** One call, as it goes over. */
export interface CallMessage {
  readonly id: number;
  readonly name: CallName;
  readonly argument: unknown;
}

/** Its outcome, as it comes back. */
export type AnswerMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: BlockErrorCode; readonly message: string } };
