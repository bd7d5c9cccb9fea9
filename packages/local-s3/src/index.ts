export { type Fault, type FaultProxy, type ProxiedRequest, startFaultProxy } from './fault-proxy.js';
export { type LocalS3, type LocalS3Options, startLocalS3 } from './local-s3.js';
