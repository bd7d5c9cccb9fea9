import { getSystemErrorName } from 'node:util';
import { unlessErrno } from '@blockyard/block';
import type { KoffiFunc } from 'koffi';
import { uninterrupted } from './interrupts.js';

/** https://man7.org/linux/man-pages/man2/lseek.2.html */
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** https://man7.org/linux/man-pages/man2/fallocate.2.html */
const FALLOC_FL_KEEP_SIZE = 1;

/** Calls of Linux's C library for which Node has no counterpart. They fail as Node's `fs` does (`code: 'ENOSPC'`). Bytes. */
export interface Libc {
  /** Where the first data at `position` or behind it begins. Undefined if none follows, or the file ends before. */
  seekData(fd: number, position: number): Promise<number | undefined>;
  /** Where the first hole at `position` or behind it begins; the end of the file counts as one. Undefined if the file ends before. */
  seekHole(fd: number, position: number): Promise<number | undefined>;
  /** Takes space for the first `length` bytes, and leaves the file's contents and size alone. */
  reserve(fd: number, length: number): Promise<void>;
}

let loading: Promise<Libc | undefined> | undefined;

/** Loaded once: what is looked up in a library stays. Undefined on other systems and where koffi, which is optional, is missing. */
export function loadLibc(): Promise<Libc | undefined> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Libc | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return await lookUp();
  } catch {
    // Not installed, no build for this processor, or a Node that is linked statically.
    return undefined;
  }
}

async function lookUp(): Promise<Libc | undefined> {
  const koffi = await import('koffi');
  // Where a long has 64 bits, so has off_t, under these names and no others.
  if (koffi.sizeof('long') !== 8) return undefined;
  const library = koffi.load(null);
  const lseek: KoffiFunc<(fd: number, offset: number, whence: number) => number> = library.func(
    'long lseek(int fd, long offset, int whence)',
  );
  const fallocate: KoffiFunc<(fd: number, mode: number, offset: number, length: number) => number> = library.func(
    'int fallocate(int fd, int mode, long offset, long length)',
  );

  /** What a call gives that was begun with `begin`. The error number is the last call's, so it is asked for at once. */
  const finished = (name: string, begin: (done: Done) => void): Promise<number> =>
    new Promise((resolve, reject) => {
      begin((failure, result) => {
        if (failure !== null) reject(failure);
        else if (result < 0) reject(systemError(koffi.errno(), name));
        else resolve(result);
      });
    });
  const seek = (fd: number, position: number, whence: number) =>
    unlessErrno(
      ['ENXIO'],
      inTurn(() => finished('lseek', (done) => lseek.async(fd, position, whence, done))),
    );

  return {
    seekData: (fd, position) => seek(fd, position, SEEK_DATA),
    seekHole: (fd, position) => seek(fd, position, SEEK_HOLE),
    async reserve(fd, length) {
      await inTurn(() => finished('fallocate', (done) => fallocate.async(fd, FALLOC_FL_KEEP_SIZE, 0, length, done)));
    },
  };
}

type Done = (failure: Error | null, result: number) => void;

let last: Promise<unknown> = Promise.resolve();

/**
 * One call at a time in this process, in the order they came: koffi has few threads for them, and refuses those that are too many. Each
 * waits in the name of one caller.
 */
function inTurn(call: () => Promise<number>): Promise<number> {
  const result = last.then(() => uninterrupted(call));
  last = result.catch(() => undefined);
  return result;
}

function systemError(errno: number, name: string): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${name}`), { code, errno: -errno, syscall: name });
}
