import { connectMemory } from '@blockyard/backend-memory';
import { connectCache } from '@blockyard/cache';
import { connectNbd, serveNbd } from '@blockyard/nbd';
import { costOf, S3_STANDARD_PRICES } from '@blockyard/object-store';
import parse from 'parse-prometheus-text-format';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { allMetrics } from './families/all.js';
import type { Snapshots } from './families/sources.js';
import { createMetrics } from './metrics.js';
import { fullSnapshots } from './testing/snapshots.js';

const all = allMetrics(S3_STANDARD_PRICES);

/**
 * What another's parser reads. It drops the labels of a histogram, so its lines are given to it a second time, as metrics of
 * no type.
 */
function read(text: string) {
  const lines = text.split('\n').filter((line) => /^\w+_(bucket|sum|count)\{/.test(line));
  const nameOf = (line: string) => line.slice(0, line.indexOf('{'));
  const names = [...new Set(lines.map(nameOf))];
  const sorted = names.flatMap((name) => lines.filter((line) => nameOf(line) === name));
  return [...parse(text), ...parse(`${sorted.join('\n')}\n`)];
}

async function told(snapshots: Snapshots) {
  const metrics = createMetrics({ snapshots: () => snapshots, process: false });
  const families = read(await metrics.text());
  const family = (name: string) => {
    const found = families.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} is not told`);
    return found;
  };
  const value = (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const found = family(name).metrics.filter(({ labels: its = {} }) =>
      Object.entries(labels).every(([label, wanted]) => its[label] === wanted),
    );
    expect(found, `${name} ${JSON.stringify(labels)}`).toHaveLength(1);
    return Number(found[0]?.value);
  };
  return { families, family, value };
}

test('everything that there is has a value, with its type and its labels', async () => {
  const { family, families } = await told(fullSnapshots());
  const typed = families.filter(({ type }) => type !== 'UNTYPED');
  expect(typed.map(({ name }) => name).sort()).toEqual(all.map(({ definition }) => definition.name).sort());
  for (const { definition, isOfExport } of all) {
    const { type, help } = family(definition.name);
    expect([type, help]).toEqual([definition.type.toUpperCase(), definition.help]);
    const { metrics } = family(definition.type === 'histogram' ? `${definition.name}_count` : definition.name);
    expect(metrics.length, definition.name).toBeGreaterThan(0);
    const labels = [...(isOfExport ? ['export'] : []), ...(definition.labels ?? [])].sort();
    for (const each of metrics) expect(Object.keys(each.labels ?? {}).sort(), definition.name).toEqual(labels);
  }
});

test('no two metrics tell the same number', async () => {
  const { families } = await told(fullSnapshots());
  const values = families
    .filter(({ type }) => type === 'COUNTER' || type === 'GAUGE')
    .flatMap(({ name, metrics }) => metrics.map(({ value }) => [name, Number(value)] as const))
    // Ratios, flags and what is worked out are looked at one by one.
    .filter(([name]) => !/_(ratio|up|loading|attached|failing)$|dollars|dead_bytes/.test(name));
  const seen = new Map<number, string>();
  for (const [name, value] of values) {
    expect(seen.get(value), `${name} and ${seen.get(value)} are ${value}`).toBeUndefined();
    seen.set(value, name);
  }
  expect(seen.size).toBeGreaterThan(100);
});

test('milliseconds are told as seconds, costs as dollars, states as 0 or 1', async () => {
  const snapshots = fullSnapshots();
  const { value } = await told(snapshots);
  const { cache, log, store, traffic } = snapshots.exports['web-1'] ?? {};
  const web = { export: 'web-1' };
  expect(value('blockyard_cache_oldest_dirty_seconds', web)).toBe((cache?.oldestDirtyMs ?? 0) / 1000);
  expect(value('blockyard_store_away_seconds', web)).toBe((store?.availability.awayMs ?? 0) / 1000);
  expect(value('blockyard_store_up', web)).toBe(0);
  expect(value('blockyard_object_cache_medium_up', web)).toBe(1);
  expect(value('blockyard_write_log_ring_used_ratio', web)).toBe(0.75);
  const { dataBytes = 0, liveBytes = 0 } = log?.space ?? {};
  expect(value('blockyard_log_dead_bytes', web)).toBe(dataBytes - liveBytes);
  const data = traffic?.classes.data;
  if (data === undefined) throw new Error('there is traffic of data');
  expect(value('blockyard_store_cost_dollars_total', { ...web, class: 'data' })).toBeCloseTo(costOf(data).totalUsd, 12);
  expect(value('blockyard_nbd_requests_total', { ...web, operation: 'write_zeroes' })).toBe(
    snapshots.nbd?.exports['web-1']?.requests.writeZeroes,
  );
});

test('what has waited for nothing tells an age of 0, rather than none that an alert would miss', async () => {
  const snapshots = fullSnapshots();
  const web = snapshots.exports['web-1'];
  if (web?.cache === undefined) throw new Error('it has a cache');
  const { value } = await told({ exports: { disk: { cache: { ...web.cache, oldestDirtyMs: undefined } } } });
  expect(value('blockyard_cache_oldest_dirty_seconds', { export: 'disk' })).toBe(0);
});

test('durations are histograms whose buckets go up to their count', async () => {
  const snapshots = fullSnapshots();
  const { family } = await told(snapshots);
  const isRead = ({ labels }: { labels?: Readonly<Record<string, string>> }) =>
    labels?.export === 'web-1' && labels.operation === 'read';
  const reads = (of: string) => family(`blockyard_nbd_request_duration_seconds_${of}`).metrics.filter(isRead);
  const expected = snapshots.nbd?.exports['web-1']?.durations.read;
  if (expected === undefined) throw new Error('reads took their time');
  const buckets = reads('bucket').map(({ labels, value }) => [
    Number(labels?.le?.replace('+Inf', 'Infinity')),
    Number(value),
  ]);
  expect(buckets.map(([, count]) => count)).toEqual([...expected.below, expected.count]);
  const bounds = buckets.map(([bound = Number.NaN]) => bound);
  expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
  expect([bounds[0], bounds.at(-1)]).toEqual([0.000025, Number.POSITIVE_INFINITY]);
  expect(reads('count').map(({ value }) => Number(value))).toEqual([expected.count]);
  expect(Number(reads('sum')[0]?.value)).toBeCloseTo(expected.sumUs / 1e6, 9);
});

test('what an export does not have is not told, and a name of an export may be anything', async () => {
  const name = 'a "disk"\\\n{x="1"}';
  const cache = fullSnapshots().exports['web-1']?.cache;
  const { families, family } = await told({ exports: { [name]: { cache } } });
  expect(family('blockyard_cache_lines').metrics).toHaveLength(1);
  expect(family('blockyard_cache_lines').metrics[0]?.labels).toEqual({ export: name });
  const withValues = families.filter(({ metrics }) =>
    metrics.some(({ value, count }) => (value ?? count) !== undefined),
  );
  expect(withValues.filter(({ name: each }) => !each.startsWith('blockyard_cache_')).map((each) => each.name)).toEqual(
    [],
  );
});

test('snapshots are asked for once each time, and every time', async () => {
  let asked = 0;
  const metrics = createMetrics({
    process: false,
    snapshots: () => {
      asked++;
      return fullSnapshots();
    },
  });
  expect(asked).toBe(0);
  await metrics.text();
  expect(asked).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  await metrics.text();
  expect(asked).toBe(2);
});

test('counters go down where what they tell began anew', async () => {
  let snapshots = fullSnapshots();
  const metrics = createMetrics({ snapshots: () => snapshots, process: false });
  const lookups = async () =>
    Number(parse(await metrics.text()).find(({ name }) => name === 'blockyard_cache_lookups_total')?.metrics[0]?.value);
  const cache = snapshots.exports['web-1']?.cache;
  if (cache === undefined) throw new Error('it has a cache');
  expect(await lookups()).toBe(cache.lookups);
  await new Promise((resolve) => setImmediate(resolve));
  snapshots = { exports: { 'web-1': { cache: { ...cache, lookups: 3 } } } };
  expect(await lookups()).toBe(3);
});

test('the metrics of the process are there unless they are not wanted, or the registry is another one', async () => {
  const snapshots = () => ({ exports: {} });
  expect(await createMetrics({ snapshots }).text()).toContain('process_cpu_seconds_total');
  expect(await createMetrics({ snapshots, process: false }).text()).not.toContain('process_');
  const registry = new Registry();
  const metrics = createMetrics({ snapshots, registry });
  expect([metrics.registry, await metrics.text()]).toEqual([registry, expect.not.stringContaining('process_')]);
  expect(() => createMetrics({ snapshots, registry })).toThrow('has blockyard_nbd_connections already');
  expect(() => createMetrics({ snapshots, prices: { per1000WritesUsd: -1 } })).toThrow('per1000WritesUsd');
  expect(() => createMetrics({} as never)).toThrow('snapshots');
});

test('a server over a cache is told as it is', async () => {
  const cache = await connectCache(await connectMemory({ sizeSectors: 2048 }), { maxSizeBytes: 2 ** 20 });
  const server = await serveNbd({ exports: { disk: cache }, listen: { port: 0 }, ownsDevices: true });
  const metrics = createMetrics({
    process: false,
    snapshots: () => ({ nbd: server.stats(), exports: { disk: { cache: cache.snapshot() } } }),
  });
  const client = await connectNbd(server.uris.disk ?? '');
  await client.write(0, [new Uint8Array(8192).fill(7)]);
  await client.read(0, [new Uint8Array(4096)]);
  const families = read(await metrics.text());
  const sampleOf = (name: string, operation?: string) =>
    families
      .find((each) => each.name === name)
      ?.metrics.find(({ labels }) => operation === undefined || labels?.operation === operation);
  expect(sampleOf('blockyard_nbd_request_bytes_total', 'write')?.value).toBe('8192');
  expect(sampleOf('blockyard_nbd_requests_total', 'read')?.value).toBe('1');
  expect(sampleOf('blockyard_nbd_request_duration_seconds_count', 'read')?.value).toBe('1');
  expect(sampleOf('blockyard_cache_dirty_bytes')?.value).toBe('8192');
  expect(Number(sampleOf('blockyard_nbd_export_connections')?.value)).toBeGreaterThan(0);
  await client.disconnect();
  await server.stop();
});
