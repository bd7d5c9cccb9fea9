import {
  type Cost,
  type Counts,
  costOf,
  type Prices,
  REQUEST_KINDS,
  type RequestKind,
  type Traffic,
} from '@blockyard/object-store';
import { formatSize } from '@blockyard/uri';
import { formatUsd } from '../terminal/dollars.js';
import { plainTable } from '../terminal/table.js';

/** Requests and bytes, and what they cost: left out where there are no prices. */
interface CostedCounts {
  readonly requests: Readonly<Record<RequestKind, number>>;
  readonly uploadBytes: number;
  readonly downloadBytes: number;
  readonly cost?: Cost;
}

/** What reached a store, in all and by class. */
export interface StoreCosts extends CostedCounts {
  readonly classes: Readonly<Record<string, CostedCounts>>;
}

export function storeCostsOf(traffic: Traffic, prices: Prices | undefined): StoreCosts {
  const classes = Object.entries(traffic.classes).map(([name, counts]) => [name, withCost(counts, prices)] as const);
  return { ...withCost(traffic, prices), classes: Object.fromEntries(classes) };
}

function withCost(counts: Counts, prices: Prices | undefined): CostedCounts {
  const { requests, uploadBytes, downloadBytes } = counts;
  const cost = prices === undefined ? {} : { cost: costOf(counts, prices) };
  return { requests, uploadBytes, downloadBytes, ...cost };
}

/** A row for each class, and one for all. */
export function storeCostsTable(costs: StoreCosts): string {
  const head = ['store', ...REQUEST_KINDS, 'up', 'down', ...(costs.cost === undefined ? [] : ['dollars'])];
  const rows = Object.entries(costs.classes).map(([name, counts]) => rowOf(name, counts));
  return plainTable([...rows, rowOf('all', costs)], {
    head,
    align: head.map((_, column) => (column === 0 ? 'left' : 'right')),
  });
}

function rowOf(name: string, { requests, uploadBytes, downloadBytes, cost }: CostedCounts): string[] {
  return [
    name,
    ...REQUEST_KINDS.map((kind) => String(requests[kind])),
    formatSize(uploadBytes),
    formatSize(downloadBytes),
    ...(cost === undefined ? [] : [formatUsd(cost.totalUsd)]),
  ];
}
