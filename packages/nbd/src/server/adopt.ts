import {
  type BlockDevice,
  BlockError,
  checkFunction,
  checkInteger,
  checkOptionNames,
  type KnownOptions,
  systemClock,
} from '@blockyard/block';
import type { ExportOptions } from './exports/exports.js';
import { Adoption } from './hand-over/adoption.js';
import type { OtherProcess } from './hand-over/channel.js';
import type { NbdServer } from './nbd-server.js';
import { checkSurroundings, type ServeOptions } from './options.js';
import { NbdServerImpl } from './server.js';

/** Those of `serveNbd`, but that the devices are opened when the time has come, and that the server owns them. */
export interface AdoptOptions extends Omit<ServeOptions, 'exports' | 'listen' | 'ownsDevices'> {
  /** Where the process comes from: `process`, in one that was started with an IPC channel. */
  readonly predecessor: OtherProcess;
  /** The listening socket: the place in `stdio` where the predecessor put it. */
  readonly fd: number;
  /** What is to be done while the predecessor still serves. If it rejects, the predecessor is told why, and goes on. */
  readonly prepare?: () => Promise<void>;
  /**
   * Called while the predecessor still serves: at first, again and again while it does what it can for the devices to be opened soon,
   * behind that, and while it disconnects them. For what they have to read. If it rejects, as with `prepare`. Default: nothing.
   */
  readonly catchUp?: () => Promise<void>;
  /**
   * Opens the devices, by export name. The predecessor has disconnected them by then, or has ended when all of them were flushed.
   * Clients wait for it.
   */
  readonly open: () => Promise<Readonly<Record<string, BlockDevice | ExportOptions>>>;
}

/** A list that does not compile when an option is missing from it. */
const KNOWN: KnownOptions<AdoptOptions> = {
  predecessor: true,
  fd: true,
  prepare: true,
  catchUp: true,
  open: true,
  default: true,
  tls: true,
  limits: true,
  onEvent: true,
  clock: true,
};

/**
 * Takes over from the `handOver` of another process, which has started this one: its listening socket, and its clients. Resolves once it serves; to undefined if it was only tried out.
 *
 * Rejects with `INVALID_ARGUMENT`, `UNSUPPORTED` if an export is not what clients were told, `UNAVAILABLE` if the predecessor is gone
 * before it has flushed the devices in the pause, or as `prepare`, `catchUp` and `open` do. Then nothing is left open, and the predecessor goes on.
 */
export async function adoptNbd(options: AdoptOptions): Promise<NbdServer | undefined> {
  checkOptionNames(options, KNOWN);
  const { predecessor, fd, prepare = async () => {}, catchUp = async () => {}, open, ...others } = options;
  if (typeof predecessor?.send !== 'function') {
    throw new BlockError('INVALID_ARGUMENT', 'predecessor must be a process with an IPC channel');
  }
  checkInteger(fd, 'fd');
  checkFunction(prepare, 'prepare');
  checkFunction(catchUp, 'catchUp');
  checkFunction(open, 'open');
  checkSurroundings(others);
  const adoption = new Adoption(predecessor, others.clock ?? systemClock);
  let server: NbdServerImpl | undefined;
  try {
    await adoption.unlessGone(prepare());
    const estate = await adoption.begin(catchUp);
    if (estate === undefined) {
      adoption.end();
      return undefined;
    }
    server = await serverOf(await open(), others);
    await server.adopt(adoption, fd, estate);
    return server;
  } catch (error) {
    // Before the predecessor opens the devices again.
    await server?.stop({ force: true });
    await adoption.fail(error);
    throw BlockError.from(error, { operation: 'connect', device: 'nbd server' });
  }
}

async function serverOf(
  exports: Awaited<ReturnType<AdoptOptions['open']>>,
  options: Omit<AdoptOptions, 'predecessor' | 'fd' | 'prepare' | 'catchUp' | 'open'>,
): Promise<NbdServerImpl> {
  try {
    return new NbdServerImpl({ ...options, exports, ownsDevices: true });
  } catch (error) {
    for (const value of Object.values(exports))
      await ('device' in value ? value.device : value).disconnect({ force: true });
    throw error;
  }
}
