import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { applyDelta } from '../shared/delta.js';
import type { FeedEvents, FrameMessage } from '../shared/messages.js';

/** A viewer without a browser. */
export class Stream {
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;
  readonly #events: { readonly name: string; readonly data: unknown }[] = [];
  #text = '';
  #arrived: (() => void) | undefined;
  /** The cells of the last frame that was taken. */
  cells = new Uint8Array(0);

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#add(chunk));
    response.on('error', () => {});
  }

  static async open(url: string, query = ''): Promise<Stream> {
    const sent = request(`${url}/feed${query}`, { agent: false }).end();
    sent.on('error', () => {});
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return new Stream(sent, response);
  }

  get status(): number {
    return this.#response.statusCode ?? 0;
  }

  /** The next event of that name; others before it are dropped. Calls `meanwhile` until it is there. */
  async next<Name extends keyof FeedEvents>(name: Name, meanwhile: () => Promise<void>): Promise<FeedEvents[Name]> {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) {
        const arrived = new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
        await meanwhile();
        await Promise.race([arrived, new Promise((resolve) => setImmediate(resolve))]);
      } else {
        if (event.name === 'frame') this.#take(event.data as FrameMessage);
        if (event.name === name) return event.data as FeedEvents[Name];
      }
    }
  }

  end(): void {
    this.#request.destroy();
  }

  /** Resolves when the server has ended it. */
  over(): Promise<void> {
    if (this.#response.closed) return Promise.resolve();
    return new Promise((resolve) => this.#response.once('close', resolve));
  }

  #take({ isKey, cells, delta }: FrameMessage): void {
    if (isKey) this.cells = new Uint8Array(cells);
    applyDelta(this.cells, Buffer.from(delta, 'base64'));
  }

  #add(chunk: string): void {
    this.#text += chunk;
    const parts = this.#text.split('\n\n');
    this.#text = parts.pop() ?? '';
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(part) ?? [];
      if (name !== undefined && data !== undefined) this.#events.push({ name, data: JSON.parse(data) });
    }
    this.#arrived?.();
  }
}
