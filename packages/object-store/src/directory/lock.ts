import { BlockError, type Clock } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import { tryLock } from 'fs-native-extensions';
import type { Disk, DiskFile } from './disk.js';

const MIN_DELAY_MS = 1;
const MAX_DELAY_MS = 50;

export interface LockOptions {
  readonly clock: Clock;
  /** Longest that a task waits for other processes. */
  readonly maxWaitMs: number;
}

/**
 * Runs one task at a time, among all processes that use the lock's file. The kernel has the lock, and takes it back from a
 * process that ends, however it ends; a process that is frozen keeps it.
 */
export class FileLock {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #options: LockOptions;
  /** Tasks of this process wait for each other here, in their order. */
  readonly #own = new Semaphore(1);

  constructor(disk: Disk, path: string, options: LockOptions) {
    this.#disk = disk;
    this.#path = path;
    this.#options = options;
  }

  /**
   * Rejects with `UNSUPPORTED` under Deno; with `LOCKED`, and has not begun the task, if other processes held the lock for too long; with what
   * `throwIfStopped` throws, which is asked again and again while the lock is waited for.
   */
  run<T>(task: () => Promise<T>, throwIfStopped: () => void): Promise<T> {
    return this.#own.run(async () => {
      const file = await this.#disk.open(this.#path, 'r+');
      try {
        await this.#lock(file, throwIfStopped);
        return await task();
      } finally {
        // The lock goes with it.
        await file.close();
      }
    });
  }

  async #lock({ fd }: DiskFile, throwIfStopped: () => void): Promise<void> {
    const { clock, maxWaitMs } = this.#options;
    // Deno loads the native part, and ends at its first call: it lacks a function of libuv.
    if ('Deno' in globalThis) throw new BlockError('UNSUPPORTED', `no file locks on Deno, for ${this.#path}`);
    const endMs = clock.now() + maxWaitMs;
    for (let delayMs = MIN_DELAY_MS; !tryLock(fd, { shared: false }); delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
      if (clock.now() >= endMs) {
        throw new BlockError('LOCKED', `another process has held ${this.#path} for more than ${maxWaitMs} ms`);
      }
      await new Promise<void>((resolve) => clock.set(resolve, delayMs));
      throwIfStopped();
    }
  }
}
