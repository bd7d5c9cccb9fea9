import { costOf, type Prices, S3_STANDARD_PRICES } from '@blockyard/object-store';
import { formatSize } from '@blockyard/uri';
import { formatUsd } from '../terminal/dollars.js';
import type { Trial } from './advise.js';

/** A smaller cache is enough that has this share of the hits of the best one. */
const ENOUGH = 0.9;

/** What is recommended, and why. */
export interface Recommendation {
  readonly trial: Trial;
  /** Of the hits of the best cache that was tried, the share that this one has; null where nothing was read. */
  readonly shareOfBest: number | null;
  readonly text: string;
}

/**
 * The smallest cache with nine tenths of the hits of the best one; where nothing is read, the smallest whose requests cost at most
 * a tenth more than the cheapest. Of several the one whose requests cost least. Undefined if no cache was tried.
 */
export function recommend(trials: readonly Trial[], prices: Prices | undefined): Recommendation | undefined {
  const cached = trials.filter((trial): trial is Trial & { readonly cacheBytes: number } => trial.cacheBytes !== null);
  const dollars = (trial: Trial) => costOf(trial.counts, prices ?? S3_STANDARD_PRICES).totalUsd;
  const best = cached.reduce<Trial | undefined>(
    (a, b) => (a === undefined || ratioOf(b) > ratioOf(a) ? b : a),
    undefined,
  );
  if (best === undefined) return undefined;
  const least = Math.min(...cached.map(dollars));
  const enough = cached.filter((trial) =>
    ratioOf(best) > 0 ? ratioOf(trial) >= ENOUGH * ratioOf(best) : dollars(trial) * ENOUGH <= least,
  );
  const smallest = Math.min(...enough.map(({ cacheBytes }) => cacheBytes));
  const [trial] = enough.filter(({ cacheBytes }) => cacheBytes === smallest).sort((a, b) => dollars(a) - dollars(b));
  if (trial === undefined) return undefined;
  const shareOfBest = ratioOf(best) > 0 ? ratioOf(trial) / ratioOf(best) : null;
  return { trial, shareOfBest, text: textOf(trial, best, shareOfBest, prices) };
}

function textOf(trial: Trial, best: Trial, shareOfBest: number | null, prices: Prices | undefined): string {
  const { get, put } = trial.counts.requests;
  const hits =
    shareOfBest === null
      ? 'nothing is read twice'
      : `${shareOfBest.toFixed(2)} of the hits that ${formatSize(best.cacheBytes ?? 0)} gets`;
  const usd = prices === undefined ? '' : `, ${formatUsd(costOf(trial.counts, prices).totalUsd)} dollars`;
  const layout = trial.layout === 'log' ? 'a log' : 'chunks';
  return (
    `${formatSize(trial.cacheBytes ?? 0)} at ${formatSize(trial.lineBytes ?? 0)} lines: ${hits}; ` +
    `with ${layout} some ${get + put} requests${usd} for this trace`
  );
}

function ratioOf({ hitRatio }: Trial): number {
  return hitRatio ?? 0;
}
