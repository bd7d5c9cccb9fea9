import { readFile } from 'node:fs/promises';
import { S3_STANDARD_PRICES } from '@blockyard/object-store';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { allMetrics } from './families/all.js';

const all = allMetrics(S3_STANDARD_PRICES);

describe('the names', () => {
  test.each(all.map(({ definition }) => [definition.name, definition] as const))(
    '%s keeps the conventions',
    (name, { type, help, labels = [] }) => {
      expect(name).toMatch(/^blockyard_[a-z]+(_[a-z]+)+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      // Base units alone, and no name of a kind.
      expect(name).not.toMatch(
        /milli|micro|_[mu]s_|_[mu]s$|kilo|mega|percent|_(counter|gauge|histogram|count|sum|bucket)$/,
      );
      expect(help).toMatch(/^[A-Z0-9].*[^.]\.?$/s);
      for (const label of labels) expect(label).toMatch(/^(operation|class|outcome|part|width)$/);
    },
  );
});

test('the table in the README is that of the metrics', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| `(blockyard_\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)].map(
    ([, ...cells]) => cells,
  );
  const expected = all.map(({ definition: { name, type, labels = [], help }, isOfExport }) => [
    name,
    type,
    [...(isOfExport ? ['export'] : []), ...labels].map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  expect(rows).toEqual(expected);
});

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly Target[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

/** What a query asks for: its metrics with their labels, and those that it groups by. */
function partsOf(query: string) {
  const expr = query.replaceAll('$__rate_interval', '5m');
  const tree = parser.parse(expr);
  const metrics: { readonly name: string; readonly labels: readonly string[]; readonly functionName: string }[] = [];
  const groupedBy: string[] = [];
  const calls: string[] = [];
  tree.iterate({
    enter(node) {
      const text = expr.slice(node.from, node.to);
      if (node.type.isError) throw new Error(`${query}: not PromQL at ${node.from}`);
      if (node.name === 'FunctionCall') calls.push(text.slice(0, text.indexOf('(')));
      if (node.name === 'GroupingLabels') groupedBy.push(...text.replace(/[()\s]/g, '').split(','));
      if (node.name !== 'VectorSelector') return;
      const name = /^\w+/.exec(text)?.[0] ?? '';
      const labels = [...text.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label as string);
      metrics.push({ name, labels, functionName: calls.at(-1) ?? '' });
    },
    leave(node) {
      if (node.name === 'FunctionCall') calls.pop();
    },
  });
  return { metrics, groupedBy };
}

function find(name: string) {
  const histogram = name.replace(/_(bucket|sum|count)$/, '');
  return all.find(
    ({ definition }) =>
      definition.name === name ||
      (definition.type === 'histogram' && name !== histogram && definition.name === histogram),
  );
}

function checkQuery(query: string, legend = ''): string[] {
  const { metrics, groupedBy } = partsOf(query);
  expect(metrics.length, query).toBeGreaterThan(0);
  const known = new Set<string>();
  for (const { name, labels, functionName } of metrics) {
    const found = find(name);
    if (found === undefined) throw new Error(`${query}: there is no metric ${name}`);
    const { definition, isOfExport } = found;
    // The labels that the scraper adds are always there.
    const own = new Set(['instance', 'job', ...(isOfExport ? ['export'] : []), ...(definition.labels ?? [])]);
    if (name.endsWith('_bucket')) own.add('le');
    for (const label of labels) expect(own.has(label), `${query}: ${name} has no label ${label}`).toBe(true);
    for (const label of groupedBy) expect(own.has(label), `${query}: ${name} has no label ${label}`).toBe(true);
    for (const label of own) known.add(label);
    if (/^(rate|increase)$/.test(functionName))
      expect(definition.type, `${query}: a gauge has no rate`).not.toBe('gauge');
  }
  for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) expect(groupedBy, `${query}: ${legend}`).toContain(label);
  return metrics.map(({ name }) => find(name)?.definition.name ?? name);
}

describe('the dashboard', async () => {
  const dashboard: Dashboard = JSON.parse(
    await readFile(new URL('../dashboards/blockyard.json', import.meta.url), 'utf8'),
  );
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  const variables = new Set(dashboard.templating.list.map(({ name }) => name));

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    'asks under "%s" for what there is',
    (_, { targets = [], datasource }) => {
      expect(targets.length).toBeGreaterThan(0);
      expect(datasource?.uid).toMatch(/^\$\{datasource\}$/);
      for (const { expr, legendFormat } of targets) {
        checkQuery(expr, legendFormat);
        for (const [, name] of expr.matchAll(/\$(\w+)/g))
          expect(name === '__rate_interval' || variables.has(name ?? '')).toBe(true);
      }
    },
  );

  test('chooses by labels that there are', () => {
    for (const { definition } of dashboard.templating.list) {
      if (definition === undefined) continue;
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
      checkQuery(`sum by (${label}) (${metric})`);
    }
  });

  test('has its panels side by side, each with a number of its own', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`), title).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });

  test('shows most of what there is', () => {
    const shown = new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => checkQuery(expr))));
    expect(shown.size).toBeGreaterThan(all.length / 2);
  });

  test('a query that is wrong is found', () => {
    expect(() => checkQuery('rate(blockyard_cache_hits_total[5m)')).toThrow('not PromQL');
    expect(() => checkQuery('rate(blockyard_cache_hit_total[5m])')).toThrow('no metric');
    expect(() => checkQuery('sum by (operation) (blockyard_cache_lines)')).toThrow('no label operation');
    expect(() => checkQuery('blockyard_cache_lines{class="x"}')).toThrow('no label class');
    expect(() => checkQuery('rate(blockyard_cache_lines[5m])')).toThrow('a gauge has no rate');
    expect(() => checkQuery('blockyard_cache_lines_bucket')).toThrow('no metric');
  });
});
