import { hostname } from 'node:os';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import type { NbdServer } from '@blockyard/nbd';
import { DrainEstimator } from './drain-estimate.js';
import {
  type DeviceFacts,
  factsOf,
  isSafe,
  oldestUnflushedMsOf,
  type StatusDevice,
  unfinishedOf,
  workOf,
} from './facts.js';
import type {
  CacheStatus,
  ExportStatus,
  HolderStatus,
  ServerStatus,
  StoreStatus,
  TierStatus,
  WorkLeft,
} from './status.js';

/** How often it is looked how far things are. */
const LOOK_EVERY_MS = 200;

/** What is looked at. */
export interface Watched {
  readonly version: string;
  readonly exportName: string;
  readonly server: Pick<NbdServer, 'stats'>;
  /** The device as it is now: an upgrade that failed has opened it anew. */
  readonly device: () => StatusDevice;
}

/** Looks at a server a few times a second, so that it can tell at any time how far it is. */
export class StatusWatch {
  readonly #watched: Watched;
  readonly #startedAt = new Date().toISOString();
  #estimator = new DrainEstimator();
  #lookedAt: BlockDevice | undefined;
  #openedAt = this.#startedAt;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  #drains = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Looks at the devices again and again from now on. */
  begin(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** No longer looks. */
  end(): void {
    clearInterval(this.#timer);
  }

  /** From now on what is left is done as fast as it can be. */
  stopping(): void {
    this.#isStopping = true;
  }

  /** Something that makes all durable is under way until what this gives settles. */
  async draining<T>(work: Promise<T>): Promise<T> {
    this.#drains++;
    try {
      return await work;
    } finally {
      this.#drains--;
    }
  }

  /** What the server and its exports are at the moment. */
  status(): ServerStatus {
    const facts = this.#look();
    const { version, server } = this.#watched;
    const { connections, requestsInFlight, requests, readBytes, writtenBytes } = server.stats();
    const requestsSum = Object.values(requests).reduce((sum, count) => sum + count, 0);
    const status = this.#exportStatus(facts);
    return {
      version,
      process: process.pid,
      startedAt: this.#startedAt,
      state: this.#isStopping ? 'stopping' : 'serving',
      safeToStop: status.safeToStop,
      left: status.left,
      clients: { connections: connections.open, requestsInFlight, requests: requestsSum, readBytes, writtenBytes },
      exports: [status],
    };
  }

  #look(): DeviceFacts {
    const device = this.#watched.device();
    if (device !== this.#lookedAt) {
      this.#estimator = new DrainEstimator();
      if (this.#lookedAt !== undefined) this.#openedAt = new Date().toISOString();
    }
    this.#lookedAt = device;
    const facts = factsOf(device);
    const isDraining = this.#isStopping || this.#drains > 0 || facts.cache?.isFlushing === true;
    const isAway = storeOf(facts).state === 'away';
    this.#estimator.add({ atMs: performance.now(), ...workOf(facts), isDraining, isAway });
    return facts;
  }

  #exportStatus(facts: DeviceFacts): ExportStatus {
    const device = this.#watched.device();
    const { name, sectorSize, sizeSectors, readOnly } = device.info;
    return {
      name: this.#watched.exportName,
      device: name,
      sizeBytes: sectorSize * sizeSectors,
      sectorSize,
      readOnly,
      safeToStop: isSafe(facts),
      left: this.#left(facts),
      oldestUnflushedMs: oldestUnflushedMsOf(facts) ?? null,
      store: storeOf(facts),
      tier: tierOf(facts),
      fencing: fencingOf(device),
      holder: holderOf(device, this.#openedAt),
      cache: cacheOf(facts),
    };
  }

  #left(facts: DeviceFacts): WorkLeft {
    const { seconds, basis } = this.#estimator.estimate();
    const { bytes, requests } = unfinishedOf(facts);
    if (requests === 0 && bytes === 0) return { bytes, requests, seconds: 0, basis: 'measured' };
    return { bytes, requests, seconds: seconds ?? null, basis: basis ?? null };
  }
}

function storeOf({ store, cache }: DeviceFacts): StoreStatus {
  const availability = store?.availability;
  if (availability?.isAway === true) {
    const { awayMs = null, nextTryMs = null, error } = availability;
    return { state: 'away', awayMs, nextTryMs, error: error === undefined ? null : textOf(error) };
  }
  // A base that fails what a cache writes back.
  const failing = cache?.writeBackFailure;
  if (failing === undefined) return { state: 'up', awayMs: null, nextTryMs: null, error: null };
  const { failingMs, nextTryMs, error } = failing;
  return { state: 'away', awayMs: failingMs, nextTryMs, error: textOf(error) };
}

function tierOf({ tier }: DeviceFacts): TierStatus | null {
  if (tier === undefined) return null;
  const { directory, objectCache, writeLog } = tier;
  return {
    directory,
    undrainedBytes: writeLog?.undrainedBytes ?? null,
    oldestUndrainedMs: writeLog?.oldestUndrainedMs ?? null,
    isFailing: [objectCache?.medium.state, writeLog?.medium.state].some(
      (state) => state !== undefined && state !== 'good',
    ),
  };
}

function cacheOf({ cache }: DeviceFacts): CacheStatus | null {
  if (cache === undefined) return null;
  const { maxSizeBytes, heldBytes, dirtyBytes, lookups, hits } = cache;
  return { maxSizeBytes, heldBytes, dirtyBytes, lookups, hits };
}

function fencingOf({ lost }: BlockDevice): ExportStatus['fencing'] {
  const isFenced = lost?.aborted === true;
  return { isFenced, message: isFenced ? textOf(lost?.reason) : null };
}

/** A volume in a store has one writer, which is this server where it may write, unless another has taken it. */
function holderOf({ info, lost, heldBy }: StatusDevice, openedAt: string): HolderStatus | null {
  if (heldBy === undefined) return null;
  if (!info.readOnly) {
    if (lost?.aborted === true) return null;
    return { host: hostname(), process: process.pid, since: openedAt, state: 'self' };
  }
  if (heldBy === null) return null;
  const { host, process: pid, since, state } = heldBy;
  return { host, process: pid, since, state };
}

function textOf(error: unknown): string {
  if (isBlockError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
