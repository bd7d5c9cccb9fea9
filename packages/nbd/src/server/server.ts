import { createServer, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { type BlockDevice, BlockError, isBlockError, systemClock } from '@blockyard/block';
import { formatUri } from '../uri/uri.js';
import { handleOf } from '../wire/wire.js';
import { Connection } from './connection.js';
import { Connections } from './connections.js';
import { type ExportOptions, Exports } from './exports/exports.js';
import { BusyPoll } from './fairness/busy-poll.js';
import { Pace } from './fairness/pace.js';
import { StallWatch } from './fairness/stall-watch.js';
import { gatherStats } from './gather-stats.js';
import type { AdoptedClient, Adoption, Estate } from './hand-over/adoption.js';
import { type HandedOver, HandOver, type HandOverHost } from './hand-over/hand-over.js';
import { checkHandOver, type HandOverOptions } from './hand-over/options.js';
import { Parked } from './hand-over/parked.js';
import { Listening } from './listen.js';
import { type Loss, lossError, settle, statesOf } from './lost.js';
import { Budget } from './memory/budget.js';
import { BufferPool } from './memory/buffer-pool.js';
import type { NbdServer } from './nbd-server.js';
import { checkLimits, checkServeOptions, type ServeOptions } from './options.js';
import type { Shared } from './shared.js';
import { Counters, type ServerStats } from './stats.js';
import { type TlsOptions, TlsUpgrade } from './tls.js';

/** Memory kept for the next requests at most, in bytes. */
const IDLE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Serves devices over NBD. Resolves once it listens.
 *
 * Rejects with `INVALID_ARGUMENT` for wrong options, `ALREADY_EXISTS` if the address is taken, `ACCESS_DENIED` if it may not be
 * used, `IO` otherwise.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectNbd, serveNbd } from '@blockyard/nbd';
 *
 * const disk = await connectMemory({ sizeSectors: 2048 });
 * const server = await serveNbd({ exports: { disk }, listen: { port: 0 }, ownsDevices: true });
 * const client = await connectNbd(server.uris.disk ?? '');
 * console.log(client.info.sizeSectors); // 2048
 * await client.disconnect();
 * await server.stop();
 * ```
 */
export async function serveNbd(options: ServeOptions): Promise<NbdServer> {
  try {
    checkServeOptions(options);
    const server = new NbdServerImpl(options);
    await server.listen(options.listen);
    return server;
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: 'nbd server' });
  }
}

type ServerOptions = Omit<ServeOptions, 'listen'>;

/** @internal */
export class NbdServerImpl implements NbdServer {
  readonly #options: ServerOptions;
  readonly #shared: Shared;
  readonly #listener: Server;
  readonly #connections = new Connections();
  readonly #stallWatch: StallWatch;
  #listening: Listening | undefined;
  /** Who came while clients are handed over. */
  #parked: Set<Parked> | undefined;
  #handOver: HandOver | undefined;
  #isHandingOver = false;
  #handedOver: Promise<void> | undefined;
  /** When the hand-over has succeeded or failed. */
  #handOverSettled: Promise<unknown> = Promise.resolve();
  #made = 0;
  #stopping: Promise<void> | undefined;
  /** Resolves when the server is stopped by force. */
  readonly #forced: Promise<void>;
  #force: () => void = () => {};

  constructor(options: ServerOptions) {
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

  async listen(listen: ServeOptions['listen']): Promise<void> {
    this.#listening = await Listening.begin(this.#listener, listen);
  }

  /** Takes the clients of another process. */
  async adopt(adoption: Adoption, fd: number, { place, exports }: Estate): Promise<void> {
    adoption.check(this.#shared.exports, exports);
    const clients = await adoption.take();
    this.#shared.exports.continueInstances(exports);
    this.#listening = await Listening.inherit(this.#listener, fd, place);
    for (const client of clients) this.#onAdopted(client);
    adoption.serving();
    void adoption.follow((client) => this.#onAdopted(client));
  }

  get address(): NbdServer['address'] {
    return this.#present.address;
  }

  get #present(): Listening {
    if (this.#listening === undefined) throw new Error('the server does not listen yet');
    return this.#listening;
  }

  get fd(): number | undefined {
    return this.#listening?.fd;
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
    return gatherStats(this.#shared, this.#connections, this.#isHandingOver);
  }

  addExport(name: string, device: BlockDevice | ExportOptions): void {
    this.#checkChangeable();
    this.#shared.exports.add(name, device);
  }

  async removeExport(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    this.#checkChangeable();
    const { exports } = this.#shared;
    const entry = exports.remove(name);
    const clients = this.#connections.of(name);
    // A device that has another export goes on.
    const ends = this.#options.ownsDevices === true && !exports.devices().has(entry.device);
    if (force) {
      for (const client of clients) client.terminate('its export was ended by force');
      if (ends) await entry.device.disconnect({ force: true });
      return;
    }
    await this.#finish(clients, 'its export has ended');
    const loss = await settle(entry.device, [name], entry.cacheStates, ends);
    if (loss === undefined) return;
    exports.restore(entry);
    throw lossError([loss]);
  }

  #checkChangeable(): void {
    if (this.#stopping !== undefined || this.#handedOver !== undefined) throw stopped();
    if (this.#handOver !== undefined) throw new BlockError('LOCKED', 'the server is being handed over');
  }

  replaceTls(tls: TlsOptions): void {
    const { tls: present } = this.#shared;
    if (present === undefined)
      throw new BlockError('INVALID_ARGUMENT', 'the server has no TLS whose keys could change');
    present.replace(tls);
  }

  async handOver(options: HandOverOptions): Promise<HandedOver> {
    const checked = checkHandOver(options);
    if (this.#stopping !== undefined || this.#handedOver !== undefined) throw stopped();
    if (this.#handOver !== undefined) throw new BlockError('LOCKED', 'the server is being handed over already');
    const isPossible = this.fd !== undefined && this.#options.ownsDevices === true;
    if (!isPossible)
      throw new BlockError(
        'UNSUPPORTED',
        'a server that can be handed over has a socket of its own, and owns its devices',
      );
    const handOver = new HandOver(this.#handOverHost(), checked);
    this.#handOver = handOver;
    this.#isHandingOver = options.dryRun !== true;
    try {
      const running = handOver.run();
      this.#handOverSettled = running.catch(() => {});
      const { connections } = this;
      const outcome = await running;
      if (options.dryRun === true) return outcome;
      this.#shared.onEvent({ type: 'handedOver', connections, ...outcome });
      this.#handedOver = handOver.finish();
      return outcome;
    } catch (error) {
      if (this.#isHandingOver) this.#shared.counters.failedHandOvers++;
      if (handOver.isStranded) await this.#stopByForce();
      throw isBlockError(error) ? error : BlockError.from(error, { operation: 'connect', device: 'nbd server' });
    } finally {
      this.#isHandingOver = false;
      if (this.#handedOver === undefined) this.#handOver = undefined;
    }
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

  #handOverHost(): HandOverHost {
    const { exports, clock } = this.#shared;
    return {
      clock,
      place: this.#present.place,
      facts: () => exports.facts(),
      devices: () => exports.devices(),
      replaceDevices: (deviceOf, hasAll) => exports.replace(deviceOf, hasAll),
      park: () => {
        this.#parked = new Set();
      },
      unpark: () => {
        const parked = this.#parked ?? [];
        this.#parked = undefined;
        for (const { socket } of parked) this.#onConnection(socket);
      },
      leaveListening: () => this.#present.leave(),
      connections: () => [...this.#connections, ...(this.#parked ?? [])],
    };
  }

  #onAdopted({ state, handle }: AdoptedClient): void {
    const { counters, onEvent } = this.#shared;
    counters.accepted++;
    this.#made = Math.max(this.#made, state.peer.connection);
    onEvent({ type: 'adopted', peer: state.peer });
    const onFinished = (connection: Connection) => this.#onFinished(connection);
    this.#connections.add(new Connection(handle, state.peer, this.#shared, onFinished, state));
  }

  #onConnection(socket: Socket): void {
    const { limits, counters, onEvent } = this.#shared;
    const address = socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
    const parked = this.#parked;
    if (parked !== undefined && this.#connections.size + parked.size < limits.maxConnections && isSendable(socket)) {
      parked.add(new Parked(socket, { connection: ++this.#made, address }, (gone) => parked.delete(gone)));
      return;
    }
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
  }

  async #stop(): Promise<void> {
    if (this.#handOver !== undefined && this.#handedOver === undefined) {
      this.#handOver.abort();
      await this.#handOverSettled;
    }
    if (this.#handedOver !== undefined) {
      await this.#handedOver;
      await this.#finishConnections();
      this.#release();
      return;
    }
    this.#present.close();
    this.#shared.onEvent({ type: 'stopping', connections: this.connections });
    await this.#finishConnections();
    const losses = await this.#settleDevices();
    if (losses.length > 0) {
      for (const { exports, error } of losses) this.#shared.onEvent({ type: 'lost', exports, error });
      throw lossError(losses);
    }
    this.#release();
  }

  #finishConnections(): Promise<void> {
    return this.#finish([...this.#connections], 'the server is stopping');
  }

  #finish(clients: readonly Connection[], reason: string): Promise<void> {
    const { clock, limits } = this.#shared;
    return this.#connections.finish(clients, reason, clock, limits.stopTimeoutMs);
  }

  async #settleDevices(): Promise<Loss[]> {
    const exports = this.#shared.exports.all();
    const devices = [...this.#shared.exports.devices()];
    const isOwner = this.#options.ownsDevices === true;
    const settled = devices.map(([device, names]) => settle(device, names, statesOf(exports, device), isOwner));
    return (await Promise.all(settled)).filter((loss) => loss !== undefined);
  }

  async #stopByForce(): Promise<void> {
    this.#handOver?.abandon();
    if (this.#handedOver === undefined) this.#listening?.close();
    this.#terminateAll('the server was stopped by force');
    if (this.#options.ownsDevices === true) {
      const devices = [...this.#shared.exports.devices().keys()];
      await Promise.all(devices.map((device) => device.disconnect({ force: true })));
    }
    this.#release();
    this.#force();
  }

  #terminateAll(reason: string): void {
    for (const connection of [...this.#connections, ...(this.#parked ?? [])]) connection.terminate(reason);
  }

  #release(): void {
    this.#stallWatch.stop();
    this.#shared.busyPoll.stop();
    this.#shared.pool.clear();
  }
}

function stopped(): BlockError {
  return new BlockError('DISCONNECTED', 'the server is stopped');
}

function isSendable(socket: Socket): boolean {
  return handleOf(socket) !== undefined;
}
