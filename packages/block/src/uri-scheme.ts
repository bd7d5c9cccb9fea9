import type { BlockDevice } from './contract.js';
import type { Durability } from './durability.js';

/**
 * How the URIs of one scheme become devices: what the author of a backend writes so that its devices can be named, and
 * `registerScheme` of `@blockyard/uri` takes. A package exports its schemes as `schemes`, a record by their names.
 *
 * What a scheme does not have or declare is refused before the scheme is asked, and never left out silently.
 */
export interface UriScheme {
  /** A URI that works but for the names in it, for help texts and messages: `tape:/srv/tapes/one`. */
  readonly example: string;
  /** Names of the parameters that its URIs may have. Any other is `INVALID_ARGUMENT`. */
  readonly parameters: readonly string[];
  /** Where data are when a `write`, and when a `flush`, has resolved. */
  readonly durability: Durability;

  /**
   * Opens the device that a URI names. Rejects with `NOT_FOUND` if there is none, `LOCKED` if another writer has it,
   * `INVALID_ARGUMENT` for a URI that makes no sense; leaves nothing open then.
   */
  connect(uri: SchemeUri, options: ConnectSchemeOptions): Promise<BlockDevice>;
  /**
   * Makes what `connect` opens: a device of zeroes. Rejects with `ALREADY_EXISTS` if there is one; leaves nothing behind then.
   * Left out: devices cannot be created, which is `UNSUPPORTED`.
   */
  create?(uri: SchemeUri, options: CreateSchemeOptions): Promise<void>;
  /**
   * Deletes a device with all its data. Rejects with `NOT_FOUND` if there is none, `LOCKED` if a process has it open. Left out:
   * `UNSUPPORTED`.
   */
  delete?(uri: SchemeUri): Promise<void>;
  /**
   * Tells what devices there are at what the URI names or below it, in the order of their URIs; those that are open too. Left out:
   * `UNSUPPORTED`.
   */
  list?(uri: SchemeUri): Promise<readonly ListedDevice[]>;
  /** Whether `create` takes a size of chunks. Default: false, and then one that is given is `INVALID_ARGUMENT`. */
  readonly hasChunks?: boolean;
  /** Whether `create` can take all the space at once. Default: false, and then to ask for it is `UNSUPPORTED`. */
  readonly canReserve?: boolean;
}

/** A device that was found. */
export interface ListedDevice {
  /** What opens it. */
  readonly uri: string;
  /** Of the device, where that is known without opening it. */
  readonly sizeBytes?: number | undefined;
  /** What it takes of the space where it is stored, where that is known. */
  readonly storedBytes?: number | undefined;
}

/** What a device is opened with, beside its URI. */
export interface ConnectSchemeOptions {
  /** Refuse every change, and lock no other reader out. A device that is not read-only then is refused. */
  readonly readOnly: boolean;
  /** Whether a device is taken from another process that has it open and is alive. If not, or if that is not possible: `LOCKED`. */
  readonly takeOver: boolean;
  /** Longest that the other side may be away before its requests fail, in milliseconds. Undefined: the backend's default. */
  readonly maxOutageMs: number | undefined;
}

/** What a device is made with, beside its URI. */
export interface CreateSchemeOptions {
  /** A safe integer. Whether it is whole sectors is for the backend to check: `UNALIGNED`. */
  readonly sizeBytes: number;
  /** Bytes in a sector, checked. Undefined: the backend's default. */
  readonly sectorSize: number | undefined;
  /** Bytes of the device in one chunk. Undefined: the backend's default, or no chunks. */
  readonly chunkBytes: number | undefined;
  /** Whether all the space is taken at once. */
  readonly reserve: boolean;
}

/** A URI taken apart, its parameters known to the scheme. What reads a parameter throws `INVALID_ARGUMENT` if it is malformed. */
export interface SchemeUri {
  /** In lower case. */
  readonly scheme: string;
  /** What stands between the colon and the question mark, as it was written. */
  readonly rest: string;
  /**
   * `rest` as the path of a file, its percent codes decoded: `tape:one` is relative, `tape:/srv/one` and `tape:///srv/one` are
   * the same. Throws `INVALID_ARGUMENT` if it is empty or has a host.
   */
  readonly path: string;
  /** A parameter as text; undefined if it is left out, here and below. */
  parameter(name: string): string | undefined;
  /** Bytes: `4096`, `64K`, `10G`, `1.5GiB`. */
  size(name: string): number | undefined;
  /** A whole number. */
  count(name: string): number | undefined;
  /** `true` or `false`. */
  flag(name: string): boolean | undefined;
  /** Milliseconds: `500ms`, `30s`, `10m`, `1h`. */
  duration(name: string): number | undefined;
  /** One of a few words. */
  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined;
}
