import { BlockError, type TierMark } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import { NO_ID } from '../format/bytes.js';
import type { Log } from './log.js';

export interface AttachmentOptions {
  /** What the base remembers its tier by, where it can. */
  readonly mark: TierMark | undefined;
  readonly tierId: string;
  readonly place: string;
  readonly newId: () => string;
  readonly wallMs: () => number;
  /** A superblock could not be written. */
  readonly onMediumFailure: (error: unknown) => void;
}

/** Whether the base knows that the log has something that it does not. */
export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #turns = new Semaphore(1);
  #id: string;
  /** The base has it, durably, and so has the medium. */
  #isConfirmed: boolean;
  /** What the base may remember, until it is known to have forgotten it. */
  #known: string | undefined;
  #ensuring: Promise<void> | undefined;
  #ended: { readonly error: unknown } | undefined;

  /** @param found what base and medium agree on, or `NO_ID` */
  constructor(options: AttachmentOptions, found: string) {
    this.#options = options;
    this.#isConfirmed = found !== NO_ID;
    this.#known = this.#isConfirmed ? found : undefined;
    this.#id = this.#isConfirmed || options.mark === undefined ? found : options.newId();
  }

  /** What records are written under. */
  get id(): string {
    return this.#id;
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** The base knows of it, and the medium knows that it does, when this resolves. Rejects if one of them fails. */
  async ensure(log: Log): Promise<void> {
    // The id may become another meanwhile.
    while (this.#options.mark !== undefined && !this.#isConfirmed) {
      this.#ensuring ??= this.#turns
        .run(() => this.#attach(log))
        .finally(() => {
          this.#ensuring = undefined;
        });
      await this.#ensuring;
    }
  }

  /** Nothing is on the medium that the base does not have: neither needs to know of the other any longer. */
  release(log: Log): Promise<void> {
    if (this.#known === undefined && this.#ensuring === undefined) return Promise.resolve();
    this.#renew();
    return this.#turns.run(async () => {
      await this.#confirm(log, NO_ID);
      await this.#forget();
    });
  }

  /** The same, where the medium cannot be told. Rejects where there is no one to tell. */
  async abandon(): Promise<void> {
    const { mark } = this.#options;
    if (mark === undefined) throw new BlockError('UNSUPPORTED', 'the base does not remember its tier');
    this.#renew();
    await this.#turns.run(() => this.#forget());
  }

  /** The base is told nothing more: it has ended, or is about to. */
  end(error: unknown): void {
    this.#ended = { error };
  }

  /** From now on records have another id. */
  #renew(): void {
    const { mark, newId } = this.#options;
    if (mark === undefined) return;
    this.#id = newId();
    this.#isConfirmed = false;
  }

  /** The base forgets what it remembers, unless that is what records have now. Where it fails, it is to be tried again. */
  async #forget(): Promise<void> {
    const known = this.#known;
    if (known === undefined || known === this.#id) return;
    if (this.#ended !== undefined) throw this.#ended.error;
    await this.#options.mark?.detach(known);
    if (this.#known === known) this.#known = undefined;
  }

  async #attach(log: Log): Promise<void> {
    const { mark, tierId, place, wallMs } = this.#options;
    if (this.#ended !== undefined) throw this.#ended.error;
    const attachmentId = this.#id;
    this.#known = attachmentId;
    await mark?.attach({ tierId, attachmentId, place, since: new Date(wallMs()).toISOString() });
    await this.#confirm(log, attachmentId);
    if (attachmentId === this.#id) this.#isConfirmed = true;
  }

  async #confirm(log: Log, attachmentId: string): Promise<void> {
    try {
      await log.attach(attachmentId);
    } catch (error) {
      this.#options.onMediumFailure(error);
      throw error;
    }
  }
}
