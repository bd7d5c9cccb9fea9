import { type BlockDevice, createDevice } from '@blockyard/block';
import type { OpfsVolume } from '../file/folder.js';
import type { ConnectOptions, CreateOptions, FolderOptions, VolumeOptions } from '../file/options.js';
import { Channel, type WorkerLike } from './channel.js';
import type { DeviceFacts } from './messages.js';
import { RemoteDriver } from './remote-driver.js';

export type { WorkerLike } from './channel.js';

/** Volumes of the origin, by way of a worker. Its functions take and give what those for workers do. */
export interface OpfsClient {
  /** As `createOpfs`, in the worker. */
  create(options: CreateOptions): Promise<void>;
  /** As `connectOpfs`, in the worker. */
  connect(options: ConnectOptions): Promise<BlockDevice>;
  /** As `listOpfs`, in the worker. */
  list(options?: FolderOptions): Promise<OpfsVolume[]>;
  /** As `deleteOpfs`, in the worker. */
  delete(options: VolumeOptions): Promise<void>;
  /** Ends the worker. What is in flight, and all that comes later, is `UNAVAILABLE`; files are closed, without a flush. */
  terminate(): void;
}

/**
 * Volumes for where there are no access handles: a page, a shared worker. All its calls are carried out by the worker, one after
 * the other.
 *
 * @param worker a dedicated worker whose script is this package's `worker`: it is the client's from now on
 */
export function overWorker(worker: WorkerLike): OpfsClient {
  const channel = new Channel(worker);
  return {
    async create(options) {
      await channel.call({ kind: 'create', options });
    },
    async connect(options) {
      const facts = (await channel.call({ kind: 'connect', options })) as DeviceFacts;
      return createDevice(new RemoteDriver(channel, facts));
    },
    async list(options = {}) {
      return (await channel.call({ kind: 'list', options })) as OpfsVolume[];
    },
    async delete(options) {
      await channel.call({ kind: 'delete', options });
    },
    terminate: () => channel.terminate(),
  };
}
