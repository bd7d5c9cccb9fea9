import type { Socket } from 'node:net';
import type { Handle, Wire } from '../../wire/wire.js';
import type { Channel } from './channel.js';
import type { ClientState, ToPredecessor, ToSuccessor } from './messages.js';
import { makeSocketPair, relay, type SocketPair } from './relay.js';

/** A connection that can be moved to another process. */
export interface Movable {
  /** While paused: whether no device is needed for what was read. */
  readonly isQuiet: boolean;
  /** While paused: whether the client waits for nothing more from this process. */
  readonly isMovable: boolean;
  /** Whether it ends by itself, or was moved. */
  readonly isEnding: boolean;
  readonly state: ClientState;
  readonly wire: Pick<Wire, 'handle' | 'stream'>;
  hasStoodStillSince(sinceMs: number): boolean;
  pause(onChange: () => void): void;
  unpause(): void;
  move(relayed: boolean): void;
  terminate(reason: string): void;
}

/** The clients of a server on their way to another process. */
export class MovingClients {
  readonly #connections: () => Iterable<Movable>;
  readonly #channel: Channel<ToSuccessor, ToPredecessor>;
  readonly #onChange: () => void;
  /** Clients that were sent and are still open here; with when the system has taken them. */
  readonly #sent = new Map<Movable, Promise<boolean>>();
  readonly #pairs = new Map<Movable, SocketPair>();
  readonly #relays = new Set<Socket>();
  #isOver = false;

  /** `onChange` hears of what may change the answers. */
  constructor(
    connections: () => Iterable<Movable>,
    channel: Channel<ToSuccessor, ToPredecessor>,
    onChange: () => void,
  ) {
    this.#connections = connections;
    this.#channel = channel;
    this.#onChange = onChange;
  }

  pause(): void {
    for (const connection of this.#connections()) connection.pause(this.#onChange);
  }

  get areQuiet(): boolean {
    for (const connection of this.#connections()) if (!connection.isQuiet) return false;
    return true;
  }

  /** Cuts off clients that a device is still needed for because they take nothing of what is there for them. */
  terminateStill(sinceMs: number): void {
    for (const connection of this.#connections()) {
      if (connection.isQuiet || !connection.hasStoodStillSince(sinceMs)) continue;
      connection.terminate('it did not take its reply while the server was handed over');
    }
  }

  /** Those that were not sent and have not ended. */
  get left(): readonly Movable[] {
    return [...this.#connections()].filter((connection) => !connection.isEnding && !this.#sent.has(connection));
  }

  /** Clients that another process has, and that only this one can understand. */
  get relays(): number {
    return this.#relays.size;
  }

  /** Sends the clients that can be moved, and were not sent. */
  async send(): Promise<void> {
    for (const connection of [...this.#connections()]) {
      if (this.#sent.has(connection) || !connection.isMovable) continue;
      const { handle } = connection.wire;
      if (handle === undefined) await this.#sendByPair(connection);
      else this.#send(connection, handle);
    }
  }

  /** Lets go of clients that the other process has. */
  async move(): Promise<void> {
    for (const [connection, sent] of this.#sent) {
      // The socket has to be open until then.
      await sent;
      const pair = this.#pairs.get(connection);
      connection.move(pair !== undefined);
      if (pair !== undefined) this.#relay(connection, pair);
    }
    this.#sent.clear();
    this.#pairs.clear();
  }

  /** The other process is gone: what was sent is not. `withBytes`: it may have read from them, and then they are lost. */
  takeBack(withBytes: boolean): void {
    this.#isOver = true;
    for (const pair of this.#pairs.values()) pair.close();
    if (!withBytes) return;
    for (const connection of this.#sent.keys()) connection.terminate('the process that had taken it over is gone');
  }

  unpause(): void {
    for (const connection of this.#connections()) connection.unpause();
  }

  endRelays(): void {
    for (const near of this.#relays) near.destroy();
  }

  /** The other process gets one end of a pair of sockets; the client, and the other end, stay here. */
  async #sendByPair(connection: Movable): Promise<void> {
    const pair = await makeSocketPair();
    if (!connection.isMovable || this.#isOver) {
      pair.close();
      return;
    }
    this.#pairs.set(connection, pair);
    this.#send(connection, pair.far);
  }

  #send(connection: Movable, handle: Handle): void {
    this.#sent.set(connection, this.#channel.send({ type: 'client', state: connection.state }, handle));
  }

  #relay(connection: Movable, { near, closeFar }: SocketPair): void {
    closeFar();
    this.#relays.add(near);
    relay(connection.wire.stream, near, () => {
      this.#relays.delete(near);
      this.#onChange();
    });
  }
}
