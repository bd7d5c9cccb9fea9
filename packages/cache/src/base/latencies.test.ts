import { durationsOf, Histogram } from '@blockyard/block';
import { expect, test } from 'vitest';
import { Latencies, summaryOf } from './latencies.js';

test('a summary has the count, the mean, the middle, the slowest hundredth and the slowest', () => {
  const histogram = new Histogram();
  for (let i = 0; i < 98; i++) histogram.add(10);
  histogram.add(1000);
  histogram.add(5000);
  expect(summaryOf(histogram)).toEqual({
    ...durationsOf(histogram),
    count: 100,
    meanUs: histogram.mean,
    p50Us: histogram.quantile(0.5),
    p99Us: histogram.quantile(0.99),
    maxUs: histogram.max,
  });
  expect(histogram.quantile(0.5)).toBeLessThan(20);
  expect(histogram.quantile(0.99)).toBeGreaterThan(900);
});

test('the bytes of all histograms are known before there is one', () => {
  const latencies = new Latencies();
  const all = Object.values(latencies).filter((each) => each instanceof Histogram);
  expect(Latencies.byteLength).toBe(all.reduce((sum, { byteLength }) => sum + byteLength, 0));
});
