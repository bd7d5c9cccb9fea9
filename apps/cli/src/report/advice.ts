import { type Cost, costOf, type Prices } from '@blockyard/object-store';
import type { Report, Table } from '@blockyard/report';
import { formatSize } from '@blockyard/uri';
import type { Trial } from '../advise/advise.js';
import type { Recommendation } from '../advise/recommend.js';

/** What a trial costs, for this trace. */
export function costOfTrial({ counts }: Trial, prices: Prices | undefined): Cost | undefined {
  return prices === undefined ? undefined : costOf(counts, prices);
}

/** What there is to show of an advice. */
export function adviceReport(
  traceName: string,
  trials: readonly Trial[],
  recommendation: Recommendation | undefined,
  prices: Prices | undefined,
): Report {
  return {
    title: `Advice for ${traceName}`,
    summary: recommendation?.text ?? 'No cache was tried.',
    sections: [
      {
        heading: 'What was tried',
        text: 'Hits are lines that reads found in memory. Requests and dollars are those of this trace; flushes, checkpoints and cleaning are not in them.',
        tables: [trialsTable(trials, prices)],
        charts: hitCharts(trials),
      },
    ],
  };
}

function trialsTable(trials: readonly Trial[], prices: Prices | undefined): Table {
  return {
    caption: 'Caches, lines and layouts',
    columns: [
      { label: 'cache' },
      { label: 'lines' },
      { label: 'layout' },
      { label: 'hit ratio', unit: 'share' },
      { label: 'GETs', unit: 'count' },
      { label: 'PUTs', unit: 'count' },
      { label: 'down', unit: 'bytes' },
      { label: 'up', unit: 'bytes' },
      { label: 'dollars', unit: 'usd' },
      { label: 'samples differ by', unit: 'share' },
    ],
    rows: trials.map((trial) => {
      const { cacheBytes, lineBytes, layout, hitRatio, counts, sampleDifference } = trial;
      const { requests, downloadBytes, uploadBytes } = counts;
      return [
        cacheBytes === null ? 'none' : formatSize(cacheBytes),
        lineBytes === null ? '' : formatSize(lineBytes),
        layout,
        hitRatio,
        requests.get,
        requests.put,
        downloadBytes,
        uploadBytes,
        costOfTrial(trial, prices)?.totalUsd ?? null,
        sampleDifference,
      ];
    }),
  };
}

/** A curve for each size of lines. Layouts hardly change the hits. */
function hitCharts(trials: readonly Trial[]) {
  const layout = trials[0]?.layout;
  const cached = trials.filter((trial) => trial.cacheBytes !== null && trial.layout === layout);
  const values = [...new Set(cached.map(({ cacheBytes }) => cacheBytes ?? 0))].sort((a, b) => a - b);
  const lines = [...new Set(cached.map(({ lineBytes }) => lineBytes ?? 0))].sort((a, b) => a - b);
  if (values.length < 2 || !cached.some(({ hitRatio }) => hitRatio !== null)) return [];
  return [
    {
      title: 'Hit ratio by size of the cache',
      x: { label: 'cache', unit: 'bytes', isLogarithmic: true, values },
      y: { label: 'hit ratio', unit: 'share' },
      series: lines.map((line) => ({
        label: `lines of ${formatSize(line)}`,
        values: values.map(
          (size) => cached.find((trial) => trial.cacheBytes === size && trial.lineBytes === line)?.hitRatio ?? null,
        ),
      })),
    },
  ] as const;
}
