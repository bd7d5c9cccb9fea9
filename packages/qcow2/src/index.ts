export { connectQcow2, type Qcow2Device } from './connect.js';
export type { BackingFacts, Qcow2Facts } from './facts.js';
export type { Compression } from './format/header.js';
export type { Snapshot } from './format/snapshots.js';
export type { BackingFile, BackingFormat, Qcow2Options } from './options.js';
