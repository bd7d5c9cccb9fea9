import { readFile } from 'node:fs/promises';
import type { TlsOptions } from '@blockyard/nbd';
import { messageOf, UsageError } from '../../terminal/failure.js';

/** The TLS part of a command line. */
export interface TlsFiles {
  readonly tls?: 'required' | 'optional';
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsPskFile?: string;
}

/** What the server needs, read from the files; undefined: no TLS. */
export async function readTls({
  tls: mode,
  tlsCert,
  tlsKey,
  tlsCa,
  tlsPskFile,
}: TlsFiles): Promise<TlsOptions | undefined> {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError('--tls-cert and --tls-key belong together', 'give both, or neither');
  }
  if (tlsCert === undefined && tlsPskFile === undefined) {
    if (mode === undefined && tlsCa === undefined) return undefined;
    throw new UsageError('TLS needs --tls-cert and --tls-key, or --tls-psk-file');
  }
  if (tlsCa !== undefined && tlsCert === undefined) throw new UsageError('--tls-ca needs --tls-cert and --tls-key');
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(tlsCert === undefined ? {} : { cert: await readOption('--tls-cert', tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: await readOption('--tls-key', tlsKey) }),
    ...(tlsCa === undefined ? {} : { ca: await readOption('--tls-ca', tlsCa) }),
    ...(tlsPskFile === undefined ? {} : { psk: keysOf(await readOption('--tls-psk-file', tlsPskFile)) }),
  };
}

async function readOption(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${option} cannot be read: ${messageOf(error)}`);
  }
}

/** A shorter key can be guessed: anyone who has seen a handshake can try keys without asking the server. */
const KEY_BYTES_MIN = 16;

/** Keys by identity. What is wrong is told by its line number: the line is a secret. */
function keysOf(text: string): Record<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, identity, hex] = /^([^:]+):((?:[0-9a-f]{2})+)\s*$/i.exec(line) ?? [];
    if (identity === undefined || hex === undefined) {
      throw new UsageError(`--tls-psk-file: line ${index + 1} is no "identity:key in hexadecimal"`);
    }
    if (keys.has(identity)) throw new UsageError(`--tls-psk-file: line ${index + 1} repeats an identity`);
    if (hex.length < 2 * KEY_BYTES_MIN) {
      throw new UsageError(`--tls-psk-file: the key in line ${index + 1} is shorter than ${KEY_BYTES_MIN} bytes`);
    }
    keys.set(identity, Buffer.from(hex, 'hex'));
  }
  if (keys.size === 0) throw new UsageError('--tls-psk-file has no keys');
  return Object.fromEntries(keys);
}
