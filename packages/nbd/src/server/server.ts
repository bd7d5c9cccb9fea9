import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { type BlockDevice, BlockError, isBlockError, systemClock } from '@blockyard/block';
import { formatUri } from '../uri/uri.js';
import { Connection, type Shared } from './connection.js';
import { Exports } from './exports/exports.js';
import { BusyPoll } from './fairness/busy-poll.js';
import { Pace } from './fairness/pace.js';
import { StallWatch } from './fairness/stall-watch.js';
import { listenOn } from './listen.js';
import { type Loss, lossError, lossOf, statesOf } from './lost.js';
import { Budget } from './memory/budget.js';
import { BufferPool } from './memory/buffer-pool.js';
import { checkLimits, checkServeOptions, type ServeOptions } from './options.js';
import { Counters, type ServerStats } from './stats.js';
import { TlsUpgrade } from './tls.js';

/** Memory kept for the next requests at most, in bytes. */
const IDLE_BYTES_MAX = 64 * 1024 * 1024;

/** A running server. */
export interface NbdServer extends AsyncDisposable {
  /** Where it listens. */
  readonly address: { readonly path: string } | { readonly host: string; readonly port: number };
  /** An NBD URI for each export name. That of a Unix socket has its whole path. */
  readonly uris: Readonly<Record<string, string>>;
  /** Connections open now. */
  readonly connections: number;
  stats(): ServerStats;
  /**
   * Takes no further connection and no further request, answers what was read, and flushes every device, or disconnects it if
   * the server owns it. Idempotent.
   *
   * Rejects if a flush fails, with a `BlockError` that says what is lost; the devices go on, and `stop` can be called again.
   * With `force` it cuts all connections, gives up what is not durable, and resolves.
   */
  stop(options?: { readonly force?: boolean }): Promise<void>;
}

/**
 * Serves devices over NBD. Resolves once it listens.
 *
 * Rejects with `INVALID_ARGUMENT` for wrong options, `ALREADY_EXISTS` if the address is taken, `ACCESS_DENIED` if it may not be
 * used, `IO` otherwise.
 */
export async function serveNbd(options: ServeOptions): Promise<NbdServer> {
  try {
    checkServeOptions(options);
    const server = new NbdServerImpl(options);
    await server.listen();
    return server;
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: 'nbd server' });
  }
}

class NbdServerImpl implements NbdServer {
  readonly #options: ServeOptions;
  readonly #shared: Shared;
  readonly #listener: Server;
  readonly #connections = new Set<Connection>();
  readonly #stallWatch: StallWatch;
  #address: NbdServer['address'] | undefined;
  #made = 0;
  #stopping: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;
  /** Resolves when the server is stopped by force. */
  readonly #forced: Promise<void>;
  #force: () => void = () => {};

  constructor(options: ServeOptions) {
    const { clock = systemClock, onEvent = () => {}, tls } = options;
    const limits = checkLimits(options.limits);
    const counters = new Counters();
    const { maxInFlightBytes: totalBytes, maxConnectionBytes: clientBytes, maxConnections: clientsMax } = limits;
    const onShort = () => this.#stallWatch.watch();
    this.#options = options;
    this.#shared = {
      exports: new Exports(options.exports, options.default),
      limits,
      tls: tls === undefined ? undefined : new TlsUpgrade(tls),
      budget: new Budget({ totalBytes, clientBytes, clientsMax }, onShort),
      pool: new BufferPool(IDLE_BYTES_MAX),
      pace: new Pace(),
      busyPoll: new BusyPoll(limits.busyPollUs),
      counters,
      clock,
      onEvent,
    };
    this.#stallWatch = new StallWatch(this.#connections, limits.stallTimeoutMs, clock, () => counters.stalled++);
    this.#forced = new Promise((resolve) => {
      this.#force = resolve;
    });
    this.#listener = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true });
    this.#listener.on('connection', (socket) => this.#onConnection(socket));
  }

  async listen(): Promise<void> {
    await listenOn(this.#listener, this.#options.listen);
    // Later troubles (no descriptors left to accept with) pass; without a listener they would end the process.
    this.#listener.on('error', () => {});
    const found = this.#listener.address() as AddressInfo | string | null;
    if (found === null) throw new Error('a server that listens has an address');
    this.#address = typeof found === 'string' ? { path: found } : { host: found.address, port: found.port };
  }

  get address(): NbdServer['address'] {
    if (this.#address === undefined) throw new Error('the server does not listen yet');
    return this.#address;
  }

  get uris(): Readonly<Record<string, string>> {
    const names = this.#shared.exports.all().map(({ name }) => name);
    const tls = this.#shared.tls !== undefined;
    const address = 'path' in this.address ? { path: resolve(this.address.path) } : this.address;
    return Object.fromEntries(names.map((name) => [name, formatUri(address, name, tls)]));
  }

  get connections(): number {
    return this.#connections.size;
  }

  stats(): ServerStats {
    const { budget, pool, counters } = this.#shared;
    const { accepted, refused, displaced, violations, timedOut, stalled } = counters;
    let requestsInFlight = 0;
    for (const connection of this.#connections) requestsInFlight += connection.outstanding;
    return {
      connections: { open: this.connections, accepted, refused, displaced, violations, timedOut, stalled },
      requests: { ...counters.requests },
      failures: counters.failures,
      readBytes: counters.readBytes,
      writtenBytes: counters.writtenBytes,
      requestsInFlight,
      inFlightBytes: budget.usedBytes,
      pooledBytes: pool.idleBytes,
    };
  }

  stop({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    if (force) return this.#stopByForce();
    this.#stopping ??= Promise.race([this.#stop(), this.#forced]).catch((error: unknown) => {
      this.#stopping = undefined;
      throw error;
    });
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #onConnection(socket: Socket): void {
    const { limits, counters, onEvent } = this.#shared;
    const address = socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
    if (this.#connections.size >= limits.maxConnections && !this.#makeRoom()) {
      this.#stallWatch.watch();
      counters.refused++;
      socket.destroy();
      onEvent({ type: 'refused', address });
      return;
    }
    counters.accepted++;
    const peer = { connection: ++this.#made, address };
    onEvent({ type: 'connected', peer });
    this.#connections.add(new Connection(socket, peer, this.#shared, (connection) => this.#onFinished(connection)));
  }

  /** Displaces the oldest client that has not chosen its export. Returns whether there was one. */
  #makeRoom(): boolean {
    for (const connection of this.#connections) {
      if (!connection.isShakingHands) continue;
      this.#shared.counters.displaced++;
      this.#connections.delete(connection);
      connection.terminate('others came while it had not chosen an export');
      return true;
    }
    return false;
  }

  #onFinished(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  async #stop(): Promise<void> {
    this.#listener.close();
    this.#shared.onEvent({ type: 'stopping', connections: this.connections });
    await this.#finishConnections();
    const losses = await this.#settleDevices();
    if (losses.length > 0) {
      for (const { exports, error } of losses) this.#shared.onEvent({ type: 'lost', exports, error });
      throw lossError(losses);
    }
    this.#release();
  }

  /** Lets every client have its replies, and cuts those that do not take them. */
  async #finishConnections(): Promise<void> {
    const { clock, limits } = this.#shared;
    for (const connection of [...this.#connections]) connection.leave('the server is stopping');
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = clock.set(() => {
        // What the devices still do for them is waited for where the devices are flushed or disconnected.
        this.#terminateAll('the server could not wait any longer');
        resolve();
      }, limits.stopTimeoutMs);
      this.#whenEmpty = () => {
        clock.clear(timer);
        resolve();
      };
    });
  }

  async #settleDevices(): Promise<Loss[]> {
    const losses: Loss[] = [];
    const exports = this.#shared.exports.all();
    const settle = async (device: BlockDevice, names: readonly string[]) => {
      try {
        await (this.#options.ownsDevices === true ? device.disconnect() : device.flush());
      } catch (error) {
        // Its owner has ended it, and has made durable what was in it or given it up.
        if (isBlockError(error, 'DISCONNECTED')) return;
        losses.push(lossOf(device, names, statesOf(exports, device), error));
      }
    };
    await Promise.all([...this.#shared.exports.devices()].map(([device, names]) => settle(device, names)));
    return losses;
  }

  async #stopByForce(): Promise<void> {
    this.#listener.close();
    this.#terminateAll('the server was stopped by force');
    if (this.#options.ownsDevices === true) {
      const devices = [...this.#shared.exports.devices().keys()];
      await Promise.all(devices.map((device) => device.disconnect({ force: true })));
    }
    this.#release();
    this.#force();
  }

  #terminateAll(reason: string): void {
    for (const connection of [...this.#connections]) connection.terminate(reason);
  }

  #release(): void {
    this.#stallWatch.stop();
    this.#shared.busyPoll.stop();
    this.#shared.pool.clear();
  }
}
