import { CELL_KINDS } from '../../shared/cells.js';
import { formatBytes, formatPlace } from '../../shared/format.js';
import type { Frame } from '../../shared/history.js';
import { byId, make, setText } from '../dom/elements.js';
import { KIND_TEXTS } from './colours.js';
import { ROWS_MAX, rangeText, runsOf } from './texts.js';

/** How often the table is made anew, while it is open. */
const TABLE_MS = 2000;

/** The legend, with how many cells there are of each kind. */
export class Legend {
  readonly #entries = CELL_KINDS.map((kind) => {
    const count = make('span', { class: 'count' });
    const swatch = make('span', { class: `swatch swatch-${kind}`, 'aria-hidden': 'true' });
    const { name, meaning } = KIND_TEXTS[kind];
    const item = make('li', { title: meaning }, swatch, make('span', {}, name), count);
    // Few devices have a tier.
    item.hidden = kind === 'tier';
    byId('legend', HTMLUListElement).append(item);
    return { kind, item, count };
  });

  show({ cells }: Frame): void {
    const counts = new Array<number>(CELL_KINDS.length).fill(0);
    for (const cell of cells) counts[cell >> 4] = (counts[cell >> 4] ?? 0) + 1;
    this.#entries.forEach(({ kind, item, count }, index) => {
      const cellsOfKind = counts[index] ?? 0;
      if (kind === 'tier' && cellsOfKind > 0) item.hidden = false;
      setText(count, cellsOfKind.toLocaleString('en-US'));
    });
  }
}

/** The map for those who do not see it. */
export class MapTable {
  readonly #details = byId('table', HTMLDetailsElement);
  readonly #caption = byId('table-caption', HTMLTableCaptionElement);
  readonly #rows = byId('rows', HTMLTableSectionElement);
  #last: { readonly frame: Frame; readonly sectorSize: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#details.addEventListener('toggle', () => this.#fill());
  }

  /** While it is open it follows after a while, so that it can be read. */
  show(frame: Frame, sectorSize: number): void {
    this.#last = { frame, sectorSize };
    if (!this.#details.open) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#fill();
    }, TABLE_MS);
  }

  #fill(): void {
    if (!this.#details.open || this.#last === undefined) return;
    const { frame, sectorSize } = this.#last;
    const runs = runsOf(frame);
    const shown = runs.slice(0, ROWS_MAX);
    const rest = runs.length > shown.length ? ` The first ${ROWS_MAX} of ${runs.length} ranges.` : '';
    const range = rangeText(frame.startSector, frame.countSectors, sectorSize);
    setText(this.#caption, `What is in the cache or on the tier of ${range}; all else is absent.${rest}`);
    this.#rows.replaceChildren(
      ...shown.map(({ startSector, countSectors, kind }) => {
        const from = formatPlace(startSector * sectorSize);
        const size = formatBytes(countSectors * sectorSize);
        return make('tr', {}, make('td', {}, from), make('td', {}, size), make('td', {}, KIND_TEXTS[kind].name));
      }),
    );
  }
}
