import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { Clock } from '@blockyard/block';
import { sleep } from '@blockyard/block/async';

/** What requests are signed with. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** They are asked for anew five minutes before. */
  readonly expiration?: Date;
}

/** Gives the credentials that hold now. */
export type S3CredentialsProvider = () => Promise<S3Credentials>;

/** Between looks at where credentials come from, so that a key that is wrong for good does not keep those places busy. */
const LOOK_PAUSE_MS = 1000;

/** Why there are no credentials. */
class CredentialsProviderError extends Error {
  override readonly name = 'CredentialsProviderError';
}

/**
 * A provider for the SDK, which calls it at first, before they expire, and for a fresh look. What the user gave; or else the
 * SDK's own chain, built anew each time, so that it reads its files again.
 */
export function providerOf(
  given: S3Credentials | S3CredentialsProvider | undefined,
): NonNullable<S3ClientConfig['credentials']> {
  if (given === undefined) {
    return (properties?: Record<string, unknown>) => defaultProvider({ ignoreCache: true })(properties);
  }
  return async () => {
    if (typeof given !== 'function') return { ...given };
    try {
      return { ...(await given()) };
    } catch (cause) {
      throw new CredentialsProviderError('the provider of the credentials failed', { cause });
    }
  };
}

export interface CredentialsOptions {
  readonly clock: Clock;
  readonly onLook: (changed: boolean) => void;
}

/** Fresh looks at where a client's credentials come from, for all requests together. */
export class Credentials {
  readonly #client: S3Client;
  readonly #options: CredentialsOptions;
  /** How often they changed. A request remembers under which number it was signed. */
  #generation = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(client: S3Client, options: CredentialsOptions) {
    this.#client = client;
    this.#options = options;
  }

  get generation(): number {
    return this.#generation;
  }

  /**
   * True if there are others now than those of `generation`, which the store has refused. All who ask meanwhile share a look.
   * Soon after one, those who are `patient` wait for their own; the others take it that nothing has changed since.
   */
  async renewed(generation: number, patient: boolean, signal: AbortSignal): Promise<boolean> {
    if (this.#generation === generation && (patient || !this.#isTooEarly)) {
      this.#looking ??= this.#look(signal).finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return this.#generation !== generation;
  }

  get #isTooEarly(): boolean {
    return this.#looking === undefined && this.#options.clock.now() < this.#lookedMs + LOOK_PAUSE_MS;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, onLook } = this.#options;
    const pauseMs = this.#lookedMs + LOOK_PAUSE_MS - clock.now();
    if (pauseMs > 0) await sleep(clock, pauseMs, signal);
    if (signal.aborted) return;
    const ask = this.#client.config.credentials;
    const [before, now] = [await fingerprint(ask()), await fingerprint(ask({ forceRefresh: true }))];
    this.#lookedMs = clock.now();
    const changed = now !== undefined && now !== before;
    if (changed) this.#generation++;
    onLook(changed);
  }
}

/** Undefined if there are none. */
async function fingerprint(credentials: Promise<S3Credentials>): Promise<string | undefined> {
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials;
    return JSON.stringify([accessKeyId, secretAccessKey, sessionToken]);
  } catch {
    return undefined;
  }
}
