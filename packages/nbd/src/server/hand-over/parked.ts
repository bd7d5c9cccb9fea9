import type { Socket } from 'node:net';
import { handleOf } from '../../wire/wire.js';
import type { Movable } from './clients.js';
import type { ClientState } from './messages.js';

/** A client that came in a pause: nothing was said yet. */
export class Parked implements Movable {
  readonly socket: Socket;
  readonly #peer: ClientState['peer'];
  readonly #onMoved: (parked: Parked) => void;
  readonly isQuiet = true;

  /** `socket` must not have been read from. */
  constructor(socket: Socket, peer: ClientState['peer'], onMoved: (parked: Parked) => void) {
    this.socket = socket;
    this.#peer = peer;
    this.#onMoved = onMoved;
  }

  get isMovable(): boolean {
    return !this.socket.destroyed;
  }

  get isEnding(): boolean {
    return this.socket.destroyed;
  }

  get state(): ClientState {
    return {
      peer: this.#peer,
      phase: 'new',
      clientFlags: undefined,
      agreement: { mode: 'simple', secure: false, selection: undefined },
      export: undefined,
      unread: new Uint8Array(0),
      skipBytes: 0,
    };
  }

  get wire(): Movable['wire'] {
    return { handle: handleOf(this.socket), stream: this.socket };
  }

  hasStoodStillSince(): boolean {
    return false;
  }

  pause(): void {}

  unpause(): void {}

  move(): void {
    this.terminate();
  }

  terminate(): void {
    this.socket.destroy();
    this.#onMoved(this);
  }
}
