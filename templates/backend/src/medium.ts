import { open, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromErrno, unlessErrno } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';

/** Requests at once; the others wait. */
const MAX_CONCURRENCY = 16;

/**
 * What stores the bytes, under keys. Stands for yours: a service, a store, a machine. Here each key is a small file of one
 * folder, which is replaced as a whole.
 */
export class Medium {
  readonly #path: string;
  readonly #requests = new Semaphore(MAX_CONCURRENCY);

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined if there is nothing. */
  get(key: string): Promise<Uint8Array | undefined> {
    return this.#do(() => unlessErrno(['ENOENT'], readFile(join(this.#path, key))));
  }

  /** Replaces the whole value, or leaves the old one. The caller's bytes are not needed once this has settled. */
  put(key: string, bytes: Uint8Array): Promise<void> {
    return this.#do(async () => {
      const whole = join(this.#path, key);
      await writeFile(`${whole}.new`, bytes, { flush: true });
      await rename(`${whole}.new`, whole);
    });
  }

  delete(key: string): Promise<void> {
    return this.#do(() => unlessErrno(['ENOENT'], unlink(join(this.#path, key))));
  }

  keys(): Promise<string[]> {
    return this.#do(() => readdir(this.#path));
  }

  /** Makes durable what was put and deleted. */
  sync(): Promise<void> {
    return this.#do(async () => {
      await using folder = await open(this.#path, 'r');
      await folder.sync();
    });
  }

  /** An error of the system gets the code that says what happened: `NO_SPACE`, `ACCESS_DENIED`, else `IO`. */
  async #do<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await this.#requests.run(request);
    } catch (error) {
      throw fromErrno(error);
    }
  }
}
