import type { Server } from 'node:http';
import { isBlockError } from '@blockyard/block';
import { checkHost, fdOf, type HttpAddress, json, listenHttp, type Route, urlOf } from '@blockyard/http-api';
import type { NbdServer } from '@blockyard/nbd';
import { messageOf } from '../../terminal/failure.js';
import { METRICS_PATH, metricsRoute } from './metrics-route.js';
import { obstacles, type Phase, type Watched } from './readiness.js';
import { type Served, snapshotsOf } from './snapshots.js';

/** The successor of a server waits so long for the address that its predecessor still has. */
const INHERIT_WAIT_MS = 10 * 60_000;

export interface MonitorOptions {
  /** Told where it listens, and why it does not. */
  readonly log: (line: string) => void;
  /** A socket that listens there already. Default: one is made. */
  readonly fd?: number | undefined;
}

/** What a server is watched by: metrics, and whether it lives and is ready. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #address: HttpAddress;
  readonly #ending = new AbortController();
  #server: Pick<NbdServer, 'stats'> | undefined;
  #volumes: () => readonly Watched[] = () => [];
  #served: () => readonly Served[] = () => [];
  #phase: Phase = 'opening';
  #http: Server | undefined;

  private constructor(address: HttpAddress, options: MonitorOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Listens, also before there is anything to serve. Rejects as `listenHttp` does. */
  static async begin(address: HttpAddress, options: MonitorOptions): Promise<Monitor> {
    const monitor = new Monitor(address, options);
    await monitor.#listen(0);
    return monitor;
  }

  /** Listens on the socket of the process that served so far, or once that has let go of the address. That it cannot is told, and no reason not to serve. */
  static async succeed(address: HttpAddress, options: MonitorOptions): Promise<Monitor> {
    const monitor = new Monitor(address, options);
    monitor.#listen(INHERIT_WAIT_MS).catch((error: unknown) => {
      if (!isBlockError(error, 'ABORTED')) options.log(`no metrics: ${JSON.stringify(messageOf(error))}`);
    });
    return monitor;
  }

  /** From now on there is something to tell: of what is served at a moment, and of all that is meant to be. */
  serving(
    server: Pick<NbdServer, 'stats'>,
    served: () => readonly Served[],
    volumes: () => readonly Watched[] = () => served().map((each) => ({ ...each, isLost: false })),
  ): void {
    this.#server = server;
    this.#served = served;
    this.#volumes = volumes;
    this.#phase = 'serving';
  }

  stopping(): void {
    this.#phase = 'stopping';
  }

  /** For a process that takes over. */
  get inheritance() {
    const fd = this.#http && fdOf(this.#http);
    return fd === undefined ? undefined : { name: 'metrics' as const, address: this.#address, fd };
  }

  /** Lets go of the address. Who has asked is answered. */
  end(): void {
    this.#ending.abort();
    this.#http?.close();
    this.#http?.closeIdleConnections();
  }

  async #listen(waitMs: number): Promise<void> {
    const address = this.#address;
    const { signal } = this.#ending;
    const { fd } = this.#options;
    // Monitors ask again and again. None of them has anything to send.
    const options = { routes: this.#routes, keepAlive: true, maxBodyBytes: 0, check: checkHost(address.host) };
    this.#http = await listenHttp(address, options, { fd, waitMs, signal });
    if (signal.aborted) this.end();
    else this.#options.log(`metrics at ${urlOf(this.#http, address)}${METRICS_PATH}`);
  }

  get #routes(): readonly Route[] {
    return [
      metricsRoute(() => snapshotsOf(this.#server, this.#served())),
      { method: 'GET', path: '/healthz', answer: () => json({ alive: true, pid: process.pid }) },
      {
        method: 'GET',
        path: '/readyz',
        answer: () => {
          const found = obstacles(this.#phase, this.#volumes());
          return json({ ready: found.length === 0, obstacles: found }, found.length === 0 ? 200 : 503);
        },
      },
    ];
  }
}
