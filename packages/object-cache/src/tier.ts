import { BlockError } from '@blockyard/block';
import { HEAD_BYTES } from './format/layout.js';
import type { ObjectIdentity } from './identity/scopes.js';
import { openOrFormat } from './medium/format-medium.js';
import { Medium } from './medium/medium.js';
import type { Settings } from './options.js';
import { DailyBudget } from './regions/daily-budget.js';
import { Session } from './session.js';

/** `good`; `failed`: left out, and tried again later; `refused`: it holds something else, and is left alone. */
export type MediumState = 'good' | 'failed' | 'refused';

/** The medium as it comes and goes. */
export class Tier {
  readonly medium: Medium;
  readonly #settings: Settings;
  readonly #budget: DailyBudget;
  #session: Session | undefined;
  #refusal: BlockError | undefined;
  /** An opening or a probe that is under way; one at a time. */
  #trying: Promise<void> | undefined;
  #loading: Promise<void> = Promise.resolve();
  /** Ends the wait before the indexes are read. */
  #loadNow: (() => void) | undefined;
  #hasLoaded = false;
  #isEnding = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#budget = new DailyBudget(settings.maxBytesPerDay, settings.clock);
    this.medium = new Medium(settings.medium, {
      clock: settings.clock,
      maxWaitMs: settings.maxMediumWaitMs,
      onError: (error) => this.#tell(error),
    });
  }

  /** Opens the medium. One that fails is tried again later; one that holds something else rejects. */
  async open(): Promise<void> {
    await this.#try(() => this.#open());
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** What was opened, whether it can be read at the moment or not. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** What can be read at this moment. If there is nothing and it is time to, it is looked at again, behind the caller's back. */
  get usable(): Session | undefined {
    if (this.#isEnding) return undefined;
    if (this.#session !== undefined && this.medium.reads.isGood) return this.#session;
    if (this.#isProbeDue) void this.#try(() => (this.#session === undefined ? this.#open() : this.#probe()));
    return undefined;
  }

  get state(): MediumState {
    if (this.#refusal !== undefined) return 'refused';
    return this.#session !== undefined && this.medium.reads.isGood && this.medium.writes.isGood ? 'good' : 'failed';
  }

  get error(): BlockError | undefined {
    return this.#refusal ?? this.medium.reads.error ?? this.medium.writes.error;
  }

  /** For how long it has been failing, and when it is tried again. */
  get times(): { readonly failingMs: number; readonly nextProbeMs: number } | undefined {
    return this.medium.reads.times ?? this.medium.writes.times;
  }

  forget(object: ObjectIdentity): void {
    this.#session?.forget(object);
  }

  /** Resolves when nothing waits for the medium: for tests and for those who measure. */
  async idle(): Promise<void> {
    await this.#trying;
    await this.#loading;
    await this.#session?.appender.idle();
  }

  /** See {@link Session.hold}. */
  async hold(): Promise<void> {
    await this.#session?.hold();
  }

  release(): void {
    this.#session?.release();
  }

  /** Writes what is there to write, and ends the medium. Never rejects. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#loadNow?.();
    await this.#trying;
    await this.#session?.end();
    await this.medium.disconnect();
  }

  get #isProbeDue(): boolean {
    if (this.#trying !== undefined || this.#refusal !== undefined) return false;
    if (this.#session !== undefined) return this.medium.isReadProbeDue;
    return (this.medium.reads.isGood || this.medium.isReadProbeDue) && this.medium.canWrite;
  }

  #try(attempt: () => Promise<void>): Promise<void> {
    this.#trying = attempt()
      .catch(() => {
        // The medium has taken note of it, or it was refused.
        if (this.#refusal !== undefined) this.#tell(this.#refusal);
      })
      .finally(() => {
        this.#trying = undefined;
      });
    return this.#trying;
  }

  async #open(): Promise<void> {
    const { maxPartBytes, maxRegionBytes, maxUnwrittenBytes } = this.#settings;
    const failuresBefore = this.medium.failures;
    try {
      const superblock = await openOrFormat(this.medium, maxPartBytes, maxRegionBytes);
      const session = new Session(this.medium, superblock, { budget: this.#budget, maxUnwrittenBytes });
      this.medium.reads.recover();
      this.#session = session;
      this.#loading = this.#load(session).catch((error: unknown) => this.#loadFailed(session, error));
    } catch (error) {
      if (this.medium.failures === failuresBefore) this.#refusal = this.#placed(error);
      throw error;
    }
  }

  /** Only the first time is there anyone who would have to wait for it. */
  async #load(session: Session): Promise<void> {
    const { clock, loadDelayMs } = this.#settings;
    if (!this.#hasLoaded && loadDelayMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.set(resolve, loadDelayMs);
        this.#loadNow = () => {
          clock.clear(timer);
          resolve();
        };
      });
      if (this.#isEnding) return;
    }
    this.#hasLoaded = true;
    await session.load();
  }

  async #probe(): Promise<void> {
    await this.medium.read(0, Math.max(HEAD_BYTES, this.medium.info.sectorSize));
    this.medium.reads.recover();
  }

  /** It is opened anew: what was read of it is not all. */
  #loadFailed(session: Session, error: unknown): void {
    if (this.#isEnding || this.#session !== session) return;
    this.#session = undefined;
    if (this.medium.reads.isGood) this.medium.reads.fail(this.#placed(error));
  }

  #placed(error: unknown): BlockError {
    return BlockError.from(error, { operation: 'connect', device: this.medium.info.name });
  }

  #tell(error: BlockError): void {
    try {
      this.#settings.onError(error);
    } catch {
      // It is told, and that is all: no request fails for what it does.
    }
  }
}
