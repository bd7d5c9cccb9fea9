/** Draws the charts of a report, in the browser. The tables are there without it. */
import type uPlotType from 'uplot';
import { format, percentileAt, placeOfPercentile } from '../format.js';
import type { Chart, ChartAxis, Unit } from '../report.js';

declare const uPlot: typeof uPlotType;

const HEIGHT_PX = 280;
/** Steps between bytes that have round names. */
const POWERS = Array.from({ length: 60 }, (_, power) => 2 ** power);
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [12, 4, 2, 4]];

const charts = JSON.parse(document.getElementById('charts')?.textContent ?? '[]') as Chart[];
const places = [...document.querySelectorAll<HTMLElement>('[data-chart]')];
let drawn: uPlotType[] = [];

function draw(): void {
  for (const chart of drawn) chart.destroy();
  drawn = places.flatMap((place) => {
    const chart = charts[Number(place.dataset.chart)];
    return chart === undefined ? [] : [new uPlot(optionsOf(chart, place.clientWidth), dataOf(chart), place)];
  });
}

function optionsOf(chart: Chart, width: number): uPlotType.Options {
  const { x, y, series } = chart;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    width,
    height: HEIGHT_PX,
    scales: {
      x: { time: false, ...scaleOf(x) },
      y: { ...scaleOf(y), ...(y.isLogarithmic ? {} : { range: fromZero }) },
    },
    axes: [x, y].map((axis, side) => ({
      label: axis.label,
      stroke: colour('--text'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
      ...(axis.unit === 'bytes' && !axis.isLogarithmic ? { incrs: POWERS } : {}),
      ...(side === 1 ? { size: 76 } : axis.unit === 'percentile' ? { incrs: [1], space: 30 } : { space: 70 }),
      values: (_: uPlotType, ticks: number[]) => ticks.map((tick) => tickText(tick, axis)),
    })),
    series: [
      { label: x.label, value: (_, value) => text(placedBack(value, x.unit), x.unit) },
      ...series.map(({ label }, at) => ({
        label,
        stroke: colour(`--series-${at}`),
        width: 2,
        dash: DASHES[at % DASHES.length] ?? [],
        spanGaps: true,
        points: { show: chart.x.values.length <= 40 },
        value: (_: uPlotType, value: number | null) => text(value, y.unit),
      })),
    ],
  };
}

function scaleOf({ isLogarithmic, unit }: ChartAxis): uPlotType.Scale {
  return isLogarithmic ? { distr: 3, log: unit === 'bytes' ? 2 : 10 } : {};
}

function fromZero(_: uPlotType, __: number | null, max: number | null): [number, number] {
  return [0, max === null || max === 0 ? 1 : max * 1.05];
}

function dataOf({ x, series }: Chart): uPlotType.AlignedData {
  const xs = x.unit === 'percentile' ? x.values.map(placeOfPercentile) : [...x.values];
  return [xs, ...series.map(({ values }) => [...values])];
}

/** On a logarithmic axis uPlot has ticks that are not to be written. */
function tickText(tick: number | null, { unit }: ChartAxis): string {
  return tick === null ? '' : text(placedBack(tick, unit), unit);
}

function placedBack(value: number | null, unit: Unit): number | null {
  return value !== null && unit === 'percentile' ? percentileAt(value) : value;
}

function text(value: number | null, unit: Unit): string {
  return value === null || value === undefined ? '–' : format(value, unit);
}

let width = 0;
new ResizeObserver(() => {
  const now = document.documentElement.clientWidth;
  if (now === width) return;
  width = now;
  draw();
}).observe(document.documentElement);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
