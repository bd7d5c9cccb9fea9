import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatBytes, formatCount, formatPercent, formatUs, formatUsd } from '../shared/format.js';
import type { Counters } from '../shared/messages.js';
import type { Point, SeriesName } from '../shared/rates.js';
import { byId, make, setText } from './dom/elements.js';

/** Points that are kept: five minutes, two a second. */
const POINTS_MAX = 600;
const HEIGHT = 130;
const WINDOW_S = 300;

interface Line {
  readonly series: SeriesName;
  readonly label: string;
  /** The colour's number in the style. */
  readonly colour: 1 | 2 | 3 | 4;
  readonly isDashed?: boolean;
}

interface Figure {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly lines: readonly Line[];
  /** What is told beside, of the sums so far. */
  readonly note?: (counters: Counters) => string;
}

/** Hours and minutes. */
function timeText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** Bytes are told in powers of two, so that is where lines stand. */
const BYTE_STEPS = Array.from({ length: 60 }, (_, power) => 2 ** power);

const perSecond = (value: number) => `${formatCount(value)}/s`;
const bytesPerSecond = (value: number) => `${formatBytes(value)}/s`;

const FIGURES: readonly Figure[] = [
  {
    title: 'Operations',
    format: perSecond,
    lines: [
      { series: 'clientReads', label: 'client reads', colour: 1 },
      { series: 'clientWrites', label: 'client writes', colour: 2 },
      { series: 'baseReads', label: 'base reads', colour: 1, isDashed: true },
      { series: 'baseWrites', label: 'base writes', colour: 2, isDashed: true },
      { series: 'clientFlushes', label: 'flushes', colour: 3 },
    ],
  },
  {
    title: 'Bytes',
    format: bytesPerSecond,
    lines: [
      { series: 'clientReadBytes', label: 'client read', colour: 1 },
      { series: 'clientWriteBytes', label: 'client written', colour: 2 },
      { series: 'baseReadBytes', label: 'base read', colour: 1, isDashed: true },
      { series: 'baseWriteBytes', label: 'base written', colour: 2, isDashed: true },
    ],
  },
  {
    title: 'Hit ratio',
    format: formatPercent,
    lines: [{ series: 'hitRatio', label: 'lines that were read', colour: 1 }],
    note: ({ cache }) => (cache && cache.lookups > 0 ? `${formatPercent(cache.hits / cache.lookups)} in all` : ''),
  },
  {
    title: 'Latency at the client',
    format: formatUs,
    lines: [
      { series: 'readP50', label: 'reads, half under', colour: 1 },
      { series: 'readP99', label: 'reads, 99 % under', colour: 1, isDashed: true },
      { series: 'writeP50', label: 'writes, half under', colour: 2 },
      { series: 'writeP99', label: 'writes, 99 % under', colour: 2, isDashed: true },
    ],
  },
  {
    title: 'Dirty',
    format: formatBytes,
    lines: [
      { series: 'dirty', label: 'dirty', colour: 2 },
      { series: 'dirtyLimit', label: 'limit', colour: 4, isDashed: true },
    ],
  },
  {
    title: 'Memory of the cache',
    format: formatBytes,
    lines: [
      { series: 'held', label: 'held', colour: 1 },
      { series: 'budget', label: 'budget', colour: 4, isDashed: true },
    ],
  },
  {
    title: 'Requests to the store',
    format: perSecond,
    lines: [{ series: 'storeRequests', label: 'requests', colour: 3 }],
    note: ({ store }) => (store ? `${formatCount(store.requests)} so far, ${formatUsd(store.usd)}` : ''),
  },
  {
    title: 'Dollars per month at this rate',
    format: formatUsd,
    lines: [{ series: 'storeUsdPerMonth', label: 'a month', colour: 3 }],
    note: ({ store }) =>
      store?.storageUsdPerMonth === undefined ? '' : `${formatUsd(store.storageUsdPerMonth)} of it for what is stored`,
  },
  {
    title: 'Space in the store',
    format: formatBytes,
    lines: [
      { series: 'alive', label: 'live', colour: 1 },
      { series: 'dead', label: 'dead, until it is cleaned', colour: 2 },
    ],
  },
  {
    title: 'Cleaning',
    format: bytesPerSecond,
    lines: [{ series: 'moved', label: 'moved', colour: 3 }],
    note: ({ cleaning }) => (cleaning ? `${formatBytes(cleaning.movedBytes)} in ${cleaning.packs} rounds so far` : ''),
  },
  {
    title: 'On the tier alone',
    format: formatBytes,
    lines: [{ series: 'undrained', label: 'not in the store yet', colour: 2 }],
  },
];

/** The charts of what the device has; the others are not shown. */
export class Charts {
  readonly #place = byId('figures', HTMLDivElement);
  readonly #points: Point[] = [];
  readonly #drawn = new Map<Figure, Drawn>();

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#again());
    new ResizeObserver(() => {
      for (const drawn of this.#drawn.values()) drawn.fit();
    }).observe(this.#place);
  }

  add(point: Point, counters: Counters): void {
    this.#points.push(point);
    if (this.#points.length > POINTS_MAX) this.#points.shift();
    for (const figure of FIGURES) {
      const isThere = this.#points.some(({ values }) => figure.lines.some(({ series }) => values[series] !== null));
      if (isThere) this.#drawnOf(figure).show(this.#points, counters);
    }
  }

  #drawnOf(figure: Figure): Drawn {
    let drawn = this.#drawn.get(figure);
    if (drawn === undefined) {
      drawn = new Drawn(figure);
      this.#drawn.set(figure, drawn);
      const order = FIGURES.filter((each) => this.#drawn.has(each)).map((each) => this.#drawn.get(each)?.element ?? '');
      this.#place.replaceChildren(...order);
      for (const each of this.#drawn.values()) each.fit();
    }
    return drawn;
  }

  /** Colours are those of the theme. */
  #again(): void {
    this.#drawn.clear();
    this.#place.replaceChildren();
  }
}

/** One chart, with its values as text below it. */
class Drawn {
  readonly element: HTMLElement;
  readonly #figure: Figure;
  readonly #place = make('div', { class: 'plot', 'aria-hidden': 'true' });
  readonly #values: readonly HTMLElement[];
  readonly #note = make('p', { class: 'note' });
  #plot: uPlot | undefined;

  constructor(figure: Figure) {
    this.#figure = figure;
    this.#values = figure.lines.map(() => make('dd'));
    const list = make('dl', { class: 'values' });
    figure.lines.forEach(({ label, colour, isDashed }, index) => {
      const mark = make('span', { class: `mark colour-${colour}${isDashed ? ' dashed' : ''}`, 'aria-hidden': 'true' });
      const value = this.#values[index];
      if (value !== undefined) list.append(make('div', {}, make('dt', {}, mark, label), value));
    });
    this.element = make(
      'figure',
      {},
      make('figcaption', {}, make('h3', {}, figure.title)),
      this.#place,
      list,
      this.#note,
    );
  }

  show(points: readonly Point[], counters: Counters): void {
    const { lines, format, note } = this.#figure;
    const last = points.at(-1);
    lines.forEach(({ series }, index) => {
      const value = last?.values[series] ?? null;
      const element = this.#values[index];
      if (element !== undefined) setText(element, value === null ? '–' : format(value));
    });
    setText(this.#note, note?.(counters) ?? '');
    const columns = lines.map(({ series }) => points.map(({ values }) => values[series]));
    const data: uPlot.AlignedData = [points.map(({ atMs }) => atMs / 1000), ...columns];
    if (this.#plot === undefined) this.#plot = this.#make(data);
    else this.#plot.setData(data);
  }

  fit(): void {
    const width = this.#place.clientWidth;
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT });
  }

  #make(data: uPlot.AlignedData): uPlot | undefined {
    const width = this.#place.clientWidth;
    if (width === 0) return undefined;
    const style = getComputedStyle(document.documentElement);
    const [text, rule] = [style.getPropertyValue('--quiet'), style.getPropertyValue('--rule')];
    const axis = { stroke: text, grid: { stroke: rule, width: 1 }, ticks: { show: false }, font: '11px system-ui' };
    const { format, lines } = this.#figure;
    const isBytes = format === formatBytes || format === bytesPerSecond;
    const least = isBytes ? 1024 : 1e-9;
    const isRatio = lines.some(({ series }) => series === 'hitRatio');
    return new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { range: (_, __, max) => [max - WINDOW_S, max] },
          y: { range: (_, __, max) => [0, isRatio ? 1 : Math.max(max * 1.1, least)] },
        },
        axes: [
          { ...axis, space: 70, size: 26, values: (_, splits) => splits.map(timeText) },
          {
            ...axis,
            size: 74,
            space: 30,
            values: (_, splits) => splits.map((value) => format(value)),
            ...(isBytes ? { incrs: BYTE_STEPS } : {}),
          },
        ],
        series: [
          {},
          ...lines.map(({ colour, isDashed, label }) => ({
            label,
            stroke: style.getPropertyValue(`--line-${colour}`),
            width: 1.5,
            points: { show: false },
            ...(isDashed ? { dash: [4, 3] } : {}),
          })),
        ],
      },
      data,
      this.#place,
    );
  }
}
