import { Command } from '../wire/protocol.js';
import type { Job } from './job.js';

const WRITES: readonly number[] = [Command.WRITE, Command.WRITE_ZEROES, Command.TRIM];

/**
 * Knows whether a flush can still be believed [D1, D3].
 *
 * What a server has answered but not flushed may live in its memory alone. When the client meets a server again after the
 * connection was lost, it may be the same one, or one that was started anew and has forgotten. A flush of the latter succeeds and
 * means nothing. So it counts only with proof: the server names the device object, and it is the same name.
 */
export class Continuity {
  readonly #assume: boolean;
  #instance: string | undefined;
  #met = false;
  #written = 0;
  #flushed = 0;
  #broken = false;
  readonly #flushes = new Map<Job, number>();

  constructor(assumeSameServer: boolean) {
    this.#assume = assumeSameServer;
  }

  /** Whether something that was answered may be lost without anybody having been told. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Whether the server says who it is: only then a new connection can stand beside one from before. */
  get provable(): boolean {
    return this.#instance !== undefined;
  }

  /** A connection was made. */
  meet(instance: string | undefined): void {
    const same = instance !== undefined && instance === this.#instance;
    if (this.#met && !same && !this.#assume && this.#written > this.#flushed) this.#broken = true;
    this.#met = true;
    this.#instance = instance;
  }

  /** A flush is asked for: it is about what was answered until now. */
  asked(job: Job): void {
    if (job.command === Command.FLUSH) this.#flushes.set(job, this.#written);
  }

  answered(job: Job): void {
    const covers = this.#flushes.get(job);
    this.#flushes.delete(job);
    if (job.errno !== 0) return;
    if (WRITES.includes(job.command)) this.#written++;
    if (covers !== undefined) this.#flushed = Math.max(this.#flushed, covers);
  }

  /** The job was given up. */
  dropped(job: Job): void {
    this.#flushes.delete(job);
  }
}
