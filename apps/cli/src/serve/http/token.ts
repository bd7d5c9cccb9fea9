import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../../terminal/failure.js';

/** A shorter one could be guessed. */
const LENGTH_MIN = 16;
const LENGTH_MAX = 4096;

/** What a client has to show that wants to change something: one line of a file. */
export class Token {
  readonly #file: string;
  #hash: Buffer;

  private constructor(file: string, hash: Buffer) {
    this.#file = file;
    this.#hash = hash;
  }

  /** Rejects with a `UsageError`, which does not repeat the token. */
  static async read(file: string): Promise<Token> {
    return new Token(file, await hashIn(file));
  }

  /** Reads the file again. If it cannot be read, the token stays what it was. */
  async reload(): Promise<void> {
    this.#hash = await hashIn(this.#file);
  }

  /** Whether an `Authorization` header has it. Takes the same time whatever is in it. */
  isIn(authorization: string | undefined): boolean {
    const [, token = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    return timingSafeEqual(hashOf(token), this.#hash);
  }
}

async function hashIn(file: string): Promise<Buffer> {
  return hashOf(await readToken(file));
}

/** The token in a file. Rejects with a `UsageError`, which does not repeat it. */
export async function readToken(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`--http-token-file cannot be read: ${messageOf(error)}`);
  });
  const token = text.trim();
  if (/^\S+$/.test(token) && token.length >= LENGTH_MIN && token.length <= LENGTH_MAX) return token;
  throw new UsageError(`--http-token-file must have one line of ${LENGTH_MIN} characters or more, without spaces`);
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
