import { json, type Route } from '@blockyard/http-api';
import type { NbdServer } from '@blockyard/nbd';
import { type ServerStatus, StatusWatch, type WorkLeft } from '@blockyard/page/status';
import type { UriDevice } from '@blockyard/uri';
import { messageOf } from '../../terminal/failure.js';
import { oneOf } from '../http/one-of.js';
import type { UpgradeStatus } from './upgrade-status.js';

export const STATUS_PATH = '/v1/status';

/** A volume that is to be served. */
export interface WatchedVolume {
  readonly name: string;
  readonly state: 'opening' | 'failed' | 'served' | 'lost' | 'ended';
  /** Why it is not served, where something went wrong. */
  readonly reason: unknown;
  /** Of one that is served. */
  readonly device: UriDevice;
}

/** What a process tells of itself, with what it should serve and does not. */
export interface ProcessStatus extends ServerStatus {
  readonly unserved: readonly UnservedStatus[];
  readonly upgrade: UpgradeStatus;
}

export interface UnservedStatus {
  /** Of the export. */
  readonly name: string;
  /** `lost`: another process has taken it; `failed`: it could not be opened, and is tried again. */
  readonly state: 'opening' | 'failed' | 'lost';
  readonly message: string | null;
}

export interface VolumesWatchOptions {
  readonly version: string;
  readonly server: Pick<NbdServer, 'stats'>;
  /** All that are to be served at this moment. */
  readonly volumes: () => readonly WatchedVolume[];
  readonly upgrade: () => UpgradeStatus;
}

/** The status of a process: that of each of its volumes, and of all together. */
export class VolumesWatch {
  readonly #options: VolumesWatchOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #watches = new Map<WatchedVolume, StatusWatch>();
  #isStopping = false;

  constructor(options: VolumesWatchOptions) {
    this.#options = options;
  }

  /** Looks at what is served now. To be called again when that has changed. */
  begin(): void {
    const { version, server } = this.#options;
    const served = this.#served();
    for (const volume of served) {
      if (this.#watches.has(volume)) continue;
      const watch = new StatusWatch({ version, exportName: volume.name, server, device: () => volume.device });
      watch.begin();
      this.#watches.set(volume, watch);
    }
    for (const [volume, watch] of this.#watches) {
      if (served.includes(volume)) continue;
      watch.end();
      this.#watches.delete(volume);
    }
  }

  end(): void {
    for (const watch of this.#watches.values()) watch.end();
  }

  /** From now on what is left is done as fast as it can be. */
  stopping(): void {
    this.begin();
    this.#isStopping = true;
    for (const watch of this.#watches.values()) watch.stopping();
  }

  /** Something that makes all of these durable is under way until what this gives settles. */
  draining<T>(volumes: readonly WatchedVolume[], work: Promise<T>): Promise<T> {
    const watches = volumes.map((volume) => this.#watches.get(volume)).filter((watch) => watch !== undefined);
    return watches.reduce((rest, watch) => watch.draining(rest), work);
  }

  readonly route: Route = {
    method: 'GET',
    path: STATUS_PATH,
    answer: ({ query }) => json(this.status(query.get('export') ?? undefined)),
  };

  /** Of one export alone, where a name is given. Throws a `RequestError` if there is none of that name. */
  status(exportName?: string): ProcessStatus {
    this.begin();
    const unserved = this.#options.volumes().flatMap(unservedOf);
    const status = this.#statusOf(this.#served(), unserved);
    if (exportName === undefined) return status;
    const asked = { export: exportName };
    const missing = unserved.filter(({ name }) => name === exportName);
    const served = missing.length > 0 ? [] : [oneOf(this.#served(), asked)];
    return this.#statusOf(served, missing);
  }

  #statusOf(volumes: readonly WatchedVolume[], unserved: readonly UnservedStatus[]): ProcessStatus {
    const { version, server, upgrade } = this.#options;
    const found = volumes.map((volume) => this.#watches.get(volume)?.status()).filter((each) => each !== undefined);
    const { connections, requestsInFlight, requests, readBytes, writtenBytes } = server.stats();
    return {
      version,
      process: process.pid,
      startedAt: this.#startedAt,
      state: this.#isStopping ? 'stopping' : 'serving',
      safeToStop: found.every(({ safeToStop }) => safeToStop),
      left: sumOf(found.map(({ left }) => left)),
      clients: {
        connections: connections.open,
        requestsInFlight,
        requests: Object.values(requests).reduce((sum, count) => sum + count, 0),
        readBytes,
        writtenBytes,
      },
      exports: found.flatMap(({ exports }) => exports),
      unserved,
      upgrade: upgrade(),
    };
  }

  #served(): readonly WatchedVolume[] {
    return this.#options.volumes().filter(({ state }) => state === 'served');
  }
}

function unservedOf({ name, state, reason }: WatchedVolume): UnservedStatus[] {
  if (state === 'served' || state === 'ended') return [];
  return [{ name, state, message: reason === undefined ? null : messageOf(reason) }];
}

/** What is left of all is done at once: it takes as long as that of the slowest. */
function sumOf(lefts: readonly WorkLeft[]): WorkLeft {
  const seconds = lefts.map((left) => left.seconds);
  const bases = lefts.filter((left) => left.seconds !== 0).map(({ basis }) => basis);
  const isKnown = !seconds.includes(null);
  return {
    bytes: lefts.reduce((sum, { bytes }) => sum + bytes, 0),
    requests: lefts.reduce((sum, { requests }) => sum + requests, 0),
    seconds: isKnown ? Math.max(0, ...seconds.map(Number)) : null,
    basis: isKnown ? (bases.includes('remembered') ? 'remembered' : 'measured') : null,
  };
}
