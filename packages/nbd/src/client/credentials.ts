import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockError } from '@blockyard/block';
import type { NbdUri } from '../uri/uri.js';
import type { ClientTls } from './options.js';

/**
 * What a URI says about TLS, with the files that it names read; what the caller gave goes first. `undefined`: no TLS. Rejects
 * with `NOT_FOUND` or `INVALID_ARGUMENT`.
 */
export async function credentialsOf(uri: NbdUri, given: ClientTls | undefined): Promise<ClientTls | undefined> {
  if (!uri.tls && given === undefined) return undefined;
  const { pskFile, certificates, hostname, user } = uri;
  return {
    ...(certificates === undefined ? {} : await readCertificates(certificates)),
    ...(pskFile === undefined ? {} : { psk: await readKey(pskFile, user) }),
    ...(hostname === undefined ? {} : { hostname }),
    ...given,
  };
}

/** The names that libvirt, qemu and libnbd use too. */
async function readCertificates(folder: string): Promise<ClientTls> {
  const ca = await readNamed(join(folder, 'ca-cert.pem'));
  const cert = await readFile(join(folder, 'client-cert.pem')).catch(() => undefined);
  const key = await readFile(join(folder, 'client-key.pem')).catch(() => undefined);
  return { ca, ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

/** A line `identity:key in hexadecimal`, the one of `identity` or the only one. */
async function readKey(file: string, identity: string | undefined): Promise<{ identity: string; key: Uint8Array }> {
  const lines = (await readNamed(file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const found = lines.find((line) => identity === undefined || line.startsWith(`${identity}:`));
  const [name, hex] = found?.split(':') ?? [];
  if (name === undefined || hex === undefined || !/^([0-9a-f]{2})+$/i.test(hex.trim())) {
    throw new BlockError('INVALID_ARGUMENT', `no usable key in ${JSON.stringify(file)}`);
  }
  return { identity: name, key: Buffer.from(hex.trim(), 'hex') };
}

async function readNamed(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new BlockError('NOT_FOUND', `cannot read ${JSON.stringify(file)}`, { cause });
  }
}
