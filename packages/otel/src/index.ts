export { type TraceDevicesOptions, traceDevices } from './spans.js';
