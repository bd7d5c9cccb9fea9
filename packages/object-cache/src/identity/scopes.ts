import { createHash } from 'node:crypto';
import { BlockError } from '@blockyard/block';

/** Keys whose objects never change, and are kept. */
export interface ObjectScope {
  /** What the keys begin with: `disks/a/log/`. */
  readonly prefix: string;
  /** Of what they are: the id of a volume, say. What is kept for another id is never served, under the same prefix either. */
  readonly id: string;
}

/** The object that a range is of, as a table knows it: 64 bits of its identity. */
export interface ObjectWords {
  readonly word0: number;
  readonly word1: number;
}

/** Which object something is of. */
export interface ObjectIdentity extends ObjectWords {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

const MAX_SCOPES = 4096;

/** Finds the scope of a key: that with the longest prefix. */
export class Scopes {
  readonly #scopes: readonly ObjectScope[];

  /** `INVALID_ARGUMENT` if they are no scopes, or two have one prefix. */
  constructor(scopes: readonly ObjectScope[]) {
    if (!Array.isArray(scopes) || scopes.length > MAX_SCOPES) throw wrong(`scopes are a list of up to ${MAX_SCOPES}`);
    for (const { prefix, id } of scopes) {
      if (typeof prefix !== 'string') throw wrong('the prefix of a scope is a string');
      if (typeof id !== 'string' || id === '') throw wrong('the id of a scope is a string that is not empty');
    }
    this.#scopes = [...scopes].sort((a, b) => b.prefix.length - a.prefix.length);
    if (new Set(scopes.map(({ prefix }) => prefix)).size < scopes.length) throw wrong('two scopes have one prefix');
  }

  /** Undefined for a key that is in none. */
  identityOf(key: string): ObjectIdentity | undefined {
    const scope = this.#scopes.find(({ prefix }) => key.startsWith(prefix));
    return scope && identify(scope.id, key.slice(scope.prefix.length));
  }
}

/** SHA-256 of the id's length in bytes, the id, and what follows the prefix in the key. */
function identify(id: string, rest: string): ObjectIdentity {
  const idBytes = Buffer.from(id);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(idBytes.byteLength);
  const bytes = createHash('sha256').update(length).update(idBytes).update(rest).digest();
  return { bytes, word0: bytes.readUInt32LE(0), word1: bytes.readUInt32LE(4) };
}

function wrong(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
