import { randomBytes } from 'node:crypto';
import { deltaBetween } from '../shared/delta.js';
import type { FeedEvents, FrameMessage } from '../shared/messages.js';
import type { View } from './view.js';

/** A viewer that takes nothing for so long is no longer one. */
const STALLED_MS = 30_000;

/** What of an HTTP response a viewer needs. */
interface Connection {
  readonly writableNeedDrain: boolean;
  write(text: string): boolean;
  destroy(): void;
}

/** One that looks at the page, over a stream of server-sent events. It holds one frame, and no queue. */
export class Viewer {
  readonly id = randomBytes(6).toString('hex');
  readonly view: View;
  readonly #response: Connection;
  /** The cells as the viewer has them. */
  #cells: Uint8Array = new Uint8Array(0);
  #shape = '';
  readonly #sent = new Map<string, string>();
  #stalledSinceMs: number | undefined;

  constructor(response: Connection, view: View) {
    this.#response = response;
    this.view = view;
    response.write('retry: 1000\n\n');
  }

  /** Whether it takes what is sent. What it missed is in what comes next. Ends one that took nothing for long. */
  isReady(nowMs: number): boolean {
    if (!this.#response.writableNeedDrain) {
      this.#stalledSinceMs = undefined;
      return true;
    }
    this.#stalledSinceMs ??= nowMs;
    if (nowMs - this.#stalledSinceMs > STALLED_MS) this.end();
    return false;
  }

  /** Sends the cells as they differ from those that it has; nothing if they do not. */
  showCells(frame: Omit<FrameMessage, 'viewer' | 'isKey' | 'delta'>, cells: Uint8Array): void {
    const shape = [frame.startSector, frame.countSectors, frame.cells].join();
    const isKey = shape !== this.#shape;
    if (isKey) this.#cells = new Uint8Array(cells.length);
    const delta = deltaBetween(this.#cells, cells);
    if (delta.length === 0 && !isKey) return;
    this.#shape = shape;
    this.#cells = cells;
    this.#send('frame', { ...frame, viewer: this.id, isKey, delta: Buffer.from(delta).toString('base64') });
  }

  /** Sends what has changed since it was sent last. */
  show<Name extends 'facts' | 'controls'>(name: Name, message: FeedEvents[Name]): void {
    const text = JSON.stringify(message);
    if (this.#sent.get(name) === text) return;
    this.#sent.set(name, text);
    this.#write(name, text);
  }

  end(): void {
    this.#response.destroy();
  }

  #send<Name extends keyof FeedEvents>(name: Name, message: FeedEvents[Name]): void {
    this.#write(name, JSON.stringify(message));
  }

  #write(name: string, text: string): void {
    this.#response.write(`event: ${name}\ndata: ${text}\n\n`);
  }
}
