import { readFile } from 'node:fs/promises';
import { SecretToken, TOKEN_LENGTH_MIN, type TokenCheck } from '@blockyard/http-api';
import { messageOf, UsageError } from '../../terminal/failure.js';

/** The token of those who may change something: one line of a file. */
export class Token implements TokenCheck {
  readonly #file: string;
  #secret: SecretToken;

  private constructor(file: string, secret: SecretToken) {
    this.#file = file;
    this.#secret = secret;
  }

  /** Rejects with a `UsageError`, which does not repeat the token. */
  static async read(file: string): Promise<Token> {
    return new Token(file, secretOf(await textIn(file)));
  }

  /** Reads the file again. If it cannot be read, the token stays what it was. */
  async reload(): Promise<void> {
    this.#secret = secretOf(await textIn(this.#file));
  }

  isIn(authorization: string | undefined): boolean {
    return this.#secret.isIn(authorization);
  }
}

/** The token in a file. Rejects with a `UsageError`, which does not repeat it. */
export async function readToken(file: string): Promise<string> {
  const token = await textIn(file);
  secretOf(token);
  return token;
}

async function textIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`--http-token-file cannot be read: ${messageOf(error)}`);
  });
  return text.trim();
}

function secretOf(token: string): SecretToken {
  try {
    return new SecretToken(token);
  } catch {
    throw new UsageError(
      `--http-token-file must have one line of ${TOKEN_LENGTH_MIN} characters or more, without spaces`,
    );
  }
}
