import type { Route } from '@blockyard/http-api';
import type { Metrics, Snapshots } from '@blockyard/metrics';

export const METRICS_PATH = '/metrics';

/** What Prometheus reads, beside the API. The library is loaded when it is first asked for. */
export function metricsRoute(snapshots: () => Snapshots): Route {
  let metrics: Promise<Metrics> | undefined;
  return {
    method: 'GET',
    path: METRICS_PATH,
    async answer() {
      metrics ??= import('@blockyard/metrics').then(({ createMetrics }) => createMetrics({ snapshots }));
      const { contentType, text } = await metrics;
      return { contentType, body: await text() };
    },
  };
}
