import type { BlockErrorCode, Extent } from '@blockyard/block';
import type { OpfsVolume } from '../file/folder.js';
import type { ConnectOptions, CreateOptions, FolderOptions, VolumeOptions } from '../file/options.js';

/** What a page asks of the worker. Everything is carried out in the order in which it was asked for. */
export type Call =
  | { readonly kind: 'create'; readonly options: CreateOptions }
  | { readonly kind: 'connect'; readonly options: ConnectOptions }
  | { readonly kind: 'list'; readonly options: FolderOptions }
  | { readonly kind: 'delete'; readonly options: VolumeOptions }
  | { readonly kind: 'device'; readonly device: number; readonly operation: DeviceCall };

/** An operation of a device. The memory of `write` is transferred, and so is that of the answer to `read`. */
export type DeviceCall =
  | { readonly kind: 'read'; readonly start: number; readonly count: number }
  | { readonly kind: 'write'; readonly start: number; readonly bytes: ArrayBuffer }
  | { readonly kind: 'discard' | 'writeZeroes' | 'extents'; readonly start: number; readonly count: number }
  | { readonly kind: 'resize'; readonly sizeSectors: number }
  | { readonly kind: 'flush' | 'disconnect' };

export interface Request {
  readonly protocol: typeof PROTOCOL;
  readonly id: number;
  readonly call: Call;
}

/** What the page is told of a device that was opened. */
export interface DeviceFacts {
  readonly device: number;
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
}

export type Result = undefined | DeviceFacts | OpfsVolume[] | ArrayBuffer | Extent[];

/** Errors do not survive the way between threads as what they are. */
export interface ErrorFacts {
  readonly code: BlockErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

export type Reply =
  | { readonly protocol: typeof PROTOCOL; readonly id: number; readonly result: Result }
  | { readonly protocol: typeof PROTOCOL; readonly id: number; readonly error: ErrorFacts };

/** Marks messages of this package, and of this version of what they say: a worker may have others. */
export const PROTOCOL = 'blockyard-opfs-1';

export function isMessage(data: unknown): data is { readonly protocol: typeof PROTOCOL; readonly id: number } {
  return typeof data === 'object' && data !== null && (data as { protocol?: unknown }).protocol === PROTOCOL;
}
