import type { ServerResponse } from 'node:http';
import { RequestError } from '@blockyard/http-api';
import type { CellMessage } from '../shared/messages.js';
import type { PageDevice } from '../source.js';
import { Feed, type FeedOptions } from './feed.js';
import type { View } from './view.js';

/** At once, whatever they look at; each further one is told to come again. */
export const VIEWERS_MAX = 8;

export interface FeedsOptions extends Pick<FeedOptions, 'takesChanges' | 'clock'> {
  /** What there is to look at, at this moment. */
  readonly devices: () => readonly PageDevice[];
}

/** A feed for each device that someone looks at. */
export class Feeds {
  readonly #options: FeedsOptions;
  readonly #feeds = new Map<string, Feed>();
  #hasEnded = false;

  constructor(options: FeedsOptions) {
    this.#options = options;
  }

  /** Undefined: the first there is. */
  find(name: string | null): PageDevice | undefined {
    const devices = this.#options.devices();
    return name === null ? devices[0] : devices.find((device) => device.name === name);
  }

  /** Throws a `RequestError` where there is no place for one more. */
  checkRoom(): void {
    if (this.#hasRoom) return;
    throw new RequestError('CONFLICT', `there are ${VIEWERS_MAX} viewers already`, 'close the page elsewhere');
  }

  /** A device that is not there is one that may come. */
  open(response: ServerResponse, view: View, name: string | null): void {
    if (!this.#hasRoom) {
      response.destroy();
      return;
    }
    const wanted = name ?? this.find(null)?.name ?? '';
    let feed = this.#feeds.get(wanted);
    if (feed === undefined) {
      feed = this.#make(wanted);
      this.#feeds.set(wanted, feed);
    }
    feed.open(response, view);
  }

  /** What is in a cell of what a viewer sees. Throws a `RequestError` if there is no such viewer or cell. */
  cell(viewer: string, cell: number): CellMessage {
    const feed = [...this.#feeds.values()].find((each) => each.has(viewer));
    if (feed === undefined) throw new RequestError('BAD_REQUEST', 'no such cell');
    return feed.cell(viewer, cell);
  }

  end(): void {
    this.#hasEnded = true;
    for (const feed of this.#feeds.values()) feed.end();
  }

  get #hasRoom(): boolean {
    const viewers = [...this.#feeds.values()].reduce((sum, feed) => sum + feed.viewers, 0);
    return !this.#hasEnded && viewers < VIEWERS_MAX;
  }

  #make(name: string): Feed {
    const { devices, takesChanges, clock } = this.#options;
    const present = () => this.find(name);
    return new Feed({
      source: { look: () => present()?.source.look() },
      controls: () => present()?.controls,
      names: () => devices().map((device) => device.name),
      takesChanges,
      onLeft: () => {
        if (present() === undefined) this.#feeds.delete(name);
      },
      ...(clock === undefined ? {} : { clock }),
    });
  }
}
