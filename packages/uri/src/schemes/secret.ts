import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { readSmallFile } from './small-file.js';

/** What an encrypted volume is opened with: a passphrase, or its raw key. Empty: it is not encrypted. */
export interface Secret {
  readonly passphrase?: string;
  readonly key?: Uint8Array;
}

export const SECRET_PARAMETERS = ['passphrase-file', 'key-file'] as const;

const KEY_BYTES = 32;
/** Longer than anyone's, and short enough to be read at once. */
const PASSPHRASE_BYTES_MAX = 4096;

/**
 * The secret in the file that the URI or the caller names. A secret itself has no place in a URI, which ends up in histories,
 * process lists and logs. Throws `INVALID_ARGUMENT`, which tells nothing of what is in the file.
 */
export async function readSecret(uri: DeviceUri, passphraseFile = uri.parameter('passphrase-file')): Promise<Secret> {
  const keyFile = uri.parameter('key-file');
  if (passphraseFile !== undefined && keyFile !== undefined)
    throw invalid('give either a passphrase or a key, not both');
  if (passphraseFile !== undefined)
    return { passphrase: passphraseIn(await readSmallFile('passphrase-file', passphraseFile, PASSPHRASE_BYTES_MAX)) };
  if (keyFile === undefined) return {};
  const key = await readSmallFile('key-file', keyFile, PASSPHRASE_BYTES_MAX);
  if (key.byteLength !== KEY_BYTES) throw invalid(`the key in key-file must be ${KEY_BYTES} bytes as they are`);
  return { key };
}

export function isSecret({ passphrase, key }: Secret): boolean {
  return passphrase !== undefined || key !== undefined;
}

export function isSameSecret(a: Secret, b: Secret): boolean {
  return a.passphrase === b.passphrase && String(a.key) === String(b.key);
}

/** What an editor adds at the end is not part of it. */
function passphraseIn(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes).replace(/\r?\n$/, '');
  if (text === '') throw invalid('the passphrase in passphrase-file is empty');
  if (/[\r\n]/.test(text)) throw invalid('the passphrase in passphrase-file must be one line');
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw invalid('the passphrase in passphrase-file must be text in UTF-8');
  }
}
