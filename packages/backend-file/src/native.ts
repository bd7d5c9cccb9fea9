import { BlockError, errnoOf } from '@blockyard/block';
import { type Libc, loadLibc } from './libc.js';

/** What Node's own `fs` lacks: locks that the kernel releases, and holes. */
export interface Natives {
  /** Whether the lock was granted. Two openings of a file conflict, also in one process: on Linux it is an `F_OFD_SETLK` lock. */
  tryLock(fd: number, options: { readonly shared: boolean }): boolean;
  /** Makes a hole, which reads as zeroes, in a file whose size stays. Bytes. */
  trim(fd: number, offset: number, length: number): Promise<void>;
  /** Lets a file have holes, where a file system must be told. */
  sparse(fd: number): Promise<void>;
}

/** The native part, or why there is none: it comes prebuilt, and not for every platform. */
export type LoadedNatives = { readonly libc: Libc | undefined } & (
  | { readonly natives: Natives }
  | { readonly natives: undefined; readonly cause: unknown }
);

/** Loaded when first needed, so that a platform without it can still use files without locks. */
export async function loadNatives(): Promise<LoadedNatives> {
  // Deno loads it, and ends at its first call: it lacks a function of libuv.
  if ('Deno' in globalThis) return { libc: undefined, natives: undefined, cause: new Error('Deno has no libuv') };
  const libc = await loadLibc();
  try {
    return { libc, natives: await import('fs-native-extensions') };
  } catch (cause) {
    return { libc, natives: undefined, cause };
  }
}

/** `UNSUPPORTED` if there are no locks on this platform. */
export function checkLocks(loaded: LoadedNatives): void {
  if (loaded.natives !== undefined) return;
  const platform = 'Deno' in globalThis ? 'Deno' : `${process.platform}-${process.arch}`;
  throw new BlockError('UNSUPPORTED', `no file locks on ${platform}; lock: false does without`, {
    cause: loaded.cause,
  });
}

/** `UNSUPPORTED` if no space can be reserved on this platform. */
export function checkReserve({ libc }: LoadedNatives): void {
  if (libc !== undefined) return;
  throw new BlockError('UNSUPPORTED', 'to reserve space needs Linux and the optional package koffi');
}

/** Takes the space for a file that is empty yet. Throws `UNSUPPORTED` where the file system has no such call. */
export async function reserveSpace({ libc }: LoadedNatives, fd: number, lengthBytes: number): Promise<void> {
  try {
    if (lengthBytes > 0) await libc?.reserve(fd, lengthBytes);
  } catch (cause) {
    if (errnoOf(cause) !== 'EOPNOTSUPP' && errnoOf(cause) !== 'ENOTSUP') throw cause;
    throw new BlockError('UNSUPPORTED', 'the file system cannot reserve space', { cause });
  }
}

/** Locks the open file for as long as it is open. Throws `LOCKED` if another process has a lock in the way. */
export function lockFile({ natives }: LoadedNatives, fd: number, path: string, shared: boolean): void {
  if (natives === undefined || natives.tryLock(fd, { shared })) return;
  const holder = shared ? 'a writer' : 'another reader or writer';
  throw new BlockError('LOCKED', `${path} is locked by ${holder}`);
}
