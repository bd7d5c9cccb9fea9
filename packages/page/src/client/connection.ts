import type { FeedEvents } from '../shared/messages.js';
import { PATHS } from '../shared/messages.js';
import type { Wanted } from './map/view.js';

type Listeners = { readonly [Name in keyof FeedEvents]: (message: FeedEvents[Name]) => void };

/** The feed of a view. A new view takes the old one's place. */
export class Connection {
  readonly #device: string | null;
  readonly #listeners: Listeners;
  readonly #connected: (isConnected: boolean) => void;
  #source: EventSource | undefined;

  /** `device`: null for the first. */
  constructor(device: string | null, listeners: Listeners, connected: (isConnected: boolean) => void) {
    this.#device = device;
    this.#listeners = listeners;
    this.#connected = connected;
  }

  show({ startSector, countSectors, maxCells }: Wanted): void {
    this.#source?.close();
    const query = new URLSearchParams({ start: String(startSector), cells: String(maxCells) });
    if (this.#device !== null) query.set('device', this.#device);
    if (countSectors !== undefined) query.set('count', String(countSectors));
    const source = new EventSource(`.${PATHS.feed}?${query}`);
    this.#source = source;
    source.onopen = () => this.#connected(true);
    source.onerror = () => {
      this.#connected(false);
      // A refusal ends it for good, unless it is asked for again.
      if (source.readyState === EventSource.CLOSED && this.#source === source) {
        setTimeout(() => this.#source === source && this.show({ startSector, countSectors, maxCells }), 2000);
      }
    };
    this.#listen(source, 'frame');
    this.#listen(source, 'facts');
    this.#listen(source, 'controls');
  }

  #listen<Name extends keyof FeedEvents>(source: EventSource, name: Name): void {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      if (this.#source === source) this.#listeners[name](JSON.parse(event.data) as FeedEvents[Name]);
    });
  }
}
