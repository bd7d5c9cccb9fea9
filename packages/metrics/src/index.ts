export type { ExportSnapshots, Snapshots } from './families/sources.js';
export { createMetrics, type Metrics, type MetricsOptions } from './metrics.js';
