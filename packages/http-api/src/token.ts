import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockError } from '@blockyard/block';

/** A shorter one could be guessed. */
export const TOKEN_LENGTH_MIN = 16;
const TOKEN_LENGTH_MAX = 4096;

/** Tells who may change something. */
export interface TokenCheck {
  /** Whether an `Authorization` header has the token. */
  isIn(authorization: string | undefined): boolean;
}

/** What a client has to show that wants to change something. Only its hash is kept. */
export class SecretToken implements TokenCheck {
  readonly #hash: Buffer;

  /** Throws `INVALID_ARGUMENT`, which does not repeat the token, for one that is short or has spaces. */
  constructor(token: string) {
    if (!/^\S+$/.test(token) || token.length < TOKEN_LENGTH_MIN || token.length > TOKEN_LENGTH_MAX) {
      const message = `a token must have ${TOKEN_LENGTH_MIN} characters or more, without spaces`;
      throw new BlockError('INVALID_ARGUMENT', message);
    }
    this.#hash = hashOf(token);
  }

  /** Takes the same time whatever is in it. */
  isIn(authorization: string | undefined): boolean {
    const [, token = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    return timingSafeEqual(hashOf(token), this.#hash);
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
