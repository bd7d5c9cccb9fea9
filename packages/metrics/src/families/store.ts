import { type Counts, costOf, type Prices, REQUEST_KINDS, type Traffic } from '@blockyard/object-store';
import type { AttemptCounts, S3StoreSnapshot } from '@blockyard/object-store-s3';
import { type Definition, type Sample, secondsOf } from './definition.js';

const CLASS = ['class'];
const CLASS_AND_OPERATION = ['class', 'operation'];

/** What goes over the handle of a store of objects, of any kind, with its price. */
export function trafficMetrics(prices: Prices): readonly Definition<Traffic>[] {
  return [
    {
      name: 'blockyard_store_requests_total',
      type: 'counter',
      help: 'Requests that were sent, repeated attempts counted each.',
      labels: CLASS_AND_OPERATION,
      of: ({ classes }) =>
        Object.entries(classes).flatMap(([name, { requests }]) =>
          REQUEST_KINDS.map((kind) => [{ class: name, operation: kind }, requests[kind]] as const),
        ),
    },
    {
      name: 'blockyard_store_upload_bytes_total',
      type: 'counter',
      help: 'Bytes of bodies that were sent.',
      labels: CLASS,
      of: (traffic) => byClass(traffic, ({ uploadBytes }) => uploadBytes),
    },
    {
      name: 'blockyard_store_download_bytes_total',
      type: 'counter',
      help: 'Bytes of bodies that came.',
      labels: CLASS,
      of: (traffic) => byClass(traffic, ({ downloadBytes }) => downloadBytes),
    },
    {
      name: 'blockyard_store_cost_dollars_total',
      type: 'counter',
      help: 'What the requests and transfers cost, in US dollars, by the prices that are set.',
      labels: CLASS,
      of: (traffic) => byClass(traffic, (counts) => costOf(counts, prices).totalUsd),
    },
  ];
}

/** What is known of an S3 store beside its traffic. */
export const S3_STORE: readonly Definition<S3StoreSnapshot>[] = [
  {
    name: 'blockyard_store_up',
    type: 'gauge',
    help: '1 unless the store is away: nothing is answered, and requests are held back.',
    of: ({ availability }) => (availability.isAway ? 0 : 1),
  },
  {
    name: 'blockyard_store_away_seconds',
    type: 'gauge',
    help: 'For how long the store has been away; 0 if it is not.',
    of: ({ availability }) => secondsOf(availability.awayMs),
  },
  {
    name: 'blockyard_store_request_failures_total',
    type: 'counter',
    help: 'Attempts without an answer, or with an error as their answer.',
    labels: CLASS_AND_OPERATION,
    of: (snapshot) => ofAttempts(snapshot, ({ failed }) => failed),
  },
  {
    name: 'blockyard_store_request_retries_total',
    type: 'counter',
    help: 'Attempts that followed a failed one at the same request.',
    labels: CLASS_AND_OPERATION,
    of: (snapshot) => ofAttempts(snapshot, ({ retries }) => retries),
  },
  {
    name: 'blockyard_store_request_duration_seconds',
    type: 'histogram',
    help: 'How long attempts took, the failed ones too, without the time that a request waits to be sent.',
    labels: CLASS_AND_OPERATION,
    of: (snapshot) => ofAttempts(snapshot, ({ durations }) => durations),
  },
  {
    name: 'blockyard_store_requests_in_flight',
    type: 'gauge',
    help: 'Requests that were sent and are not answered.',
    of: ({ requestsInFlight }) => requestsInFlight,
  },
  {
    name: 'blockyard_store_requests_held_back',
    type: 'gauge',
    help: 'Requests that wait while the store is away.',
    of: ({ requestsHeldBack }) => requestsHeldBack,
  },
  {
    name: 'blockyard_store_max_requests_in_flight',
    type: 'gauge',
    help: 'Data requests that may be in flight at once now; fewer where they time out or take long.',
    of: ({ concurrency }) => concurrency,
  },
];

function byClass({ classes }: Traffic, of: (counts: Counts) => number): Sample<number>[] {
  return Object.entries(classes).map(([name, counts]) => [{ class: name }, of(counts)] as const);
}

function ofAttempts<V>({ attempts }: S3StoreSnapshot, of: (counts: AttemptCounts) => V): Sample<V>[] {
  return attempts.map((counts) => [{ class: counts.class, operation: counts.kind }, of(counts)] as const);
}
