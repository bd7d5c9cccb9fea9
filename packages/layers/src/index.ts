export { type DelayOptions, withDelay } from './delay.js';
export type { FaultAction, FaultCall, FaultRule } from './fault-plan.js';
export {
  FAULT_LOG_MAX,
  type FaultControl,
  type FaultOptions,
  type FaultRecord,
  type FaultyDevice,
  withFaults,
} from './faults.js';
export type { LayerOptions } from './layer.js';
export { type PartitionOptions, partition } from './partition.js';
export { withReadOnly } from './read-only.js';
export {
  type LatencyStats,
  type OperationStats,
  type Stats,
  type StatsDevice,
  type StatsOptions,
  withStats,
} from './stats.js';
export { type TraceOptions, type TraceRecord, type TraceSink, withTrace } from './trace.js';
