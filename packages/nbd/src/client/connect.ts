import {
  type BlockDevice,
  BlockError,
  checkSectorSize,
  createDevice,
  SECTOR_SIZE_MIN,
  systemClock,
} from '@blockyard/block';
import { formatUri, parseUri } from '../uri/uri.js';
import { TransmissionFlag } from '../wire/protocol.js';
import { Channel } from './channel.js';
import { credentialsOf } from './credentials.js';
import { makeDriver } from './driver.js';
import type { Session } from './handshake.js';
import { checkOptions, type NbdOptions } from './options.js';

const { READ_ONLY, SEND_FLUSH, CAN_MULTI_CONN } = TransmissionFlag;

/**
 * Connects to an export of an NBD server as a block device: `nbd://host[:port]/export`, `nbd+unix:///export?socket=PATH`, both
 * also as `nbds` with TLS.
 *
 * Rejects with `INVALID_ARGUMENT` for a wrong URI or option, `UNAVAILABLE` or `TIMEOUT` if the server cannot be reached,
 * `NOT_FOUND` if it has no such export, `ACCESS_DENIED` if it does not want this client (or TLS fails), `UNSUPPORTED` if the export
 * cannot be a device of the contract, `IO` if the server breaks the protocol.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectNbd, serveNbd } from '@blockyard/nbd';
 *
 * const disk = await connectMemory({ sizeSectors: 2048 });
 * const server = await serveNbd({ exports: { disk }, listen: { path: 'disk.sock' } });
 * const client = await connectNbd('nbd+unix:///disk?socket=disk.sock', { readOnly: true });
 * console.log(client.info.readOnly); // true
 * await client.disconnect();
 * await server.stop();
 * ```
 */
export async function connectNbd(uri: string, options: NbdOptions = {}): Promise<BlockDevice> {
  try {
    return await open(uri, options);
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: 'nbd' });
  }
}

async function open(text: string, options: NbdOptions): Promise<BlockDevice> {
  const limits = checkOptions(options);
  const uri = parseUri(text);
  const { address, exportName } = uri;
  const { clock = systemClock, random = Math.random, assumeSameServer = false } = options;
  const tls = await credentialsOf(uri, options.tls);
  let first: Session | undefined;
  const channel = new Channel({
    target: { address, exportName, tls, connectTimeoutMs: limits.connectTimeoutMs, clock },
    limits,
    assumeSameServer,
    clock,
    random,
    checkSame: (session) => checkSame(first, session),
  });
  try {
    first = await channel.connect();
    const readOnly = options.readOnly === true || (first.flags & READ_ONLY) !== 0;
    const sectorSize = checkShape(first, options, readOnly);
    const name = formatUri(address, exportName, tls !== undefined);
    const driver = makeDriver(channel, { name, sectorSize, readOnly, session: first });
    const device = createDevice(driver);
    if ((first.flags & CAN_MULTI_CONN) !== 0) await channel.connectMore();
    return device;
  } catch (error) {
    channel.destroy();
    throw error;
  }
}

/** The sector size, if the export can be a device of the contract. */
function checkShape(
  { sizeBytes, flags, minimumBytes, maximumBytes, sectorSize: serverSectorSize }: Session,
  options: NbdOptions,
  readOnly: boolean,
): number {
  const sectorSize = options.sectorSize ?? serverSectorSize ?? Math.max(SECTOR_SIZE_MIN, minimumBytes);
  checkSectorSize(sectorSize);
  if (sectorSize < minimumBytes) {
    throw new BlockError(
      'INVALID_ARGUMENT',
      `the server's smallest block is ${minimumBytes} bytes, sectorSize ${sectorSize}`,
    );
  }
  if (sizeBytes % sectorSize !== 0) {
    throw new BlockError(
      'UNSUPPORTED',
      `the export has ${sizeBytes} bytes, which is not whole sectors of ${sectorSize}`,
    );
  }
  if (maximumBytes < sectorSize) {
    throw new BlockError(
      'UNSUPPORTED',
      `the server takes no more than ${maximumBytes} bytes at once, less than a sector`,
    );
  }
  if (!readOnly && (flags & SEND_FLUSH) === 0 && options.unsafeNoFlush !== true) {
    throw new BlockError('UNSUPPORTED', 'the server offers no flush: connect with readOnly, or with unsafeNoFlush');
  }
  return sectorSize;
}

/** Whether a connection can take the place of the first one. */
function checkSame(first: Session | undefined, session: Session): void {
  if (first === undefined) return;
  const same =
    session.sizeBytes === first.sizeBytes &&
    session.flags === first.flags &&
    session.mode === first.mode &&
    session.minimumBytes === first.minimumBytes &&
    session.sectorSize === first.sectorSize &&
    session.maximumBytes >= first.maximumBytes &&
    session.allocationId === first.allocationId;
  if (!same) throw new BlockError('UNSUPPORTED', 'the server came back with another export under the same name');
}
