import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { RUN_FORMAT, type RunRecord } from '../load/run-record.js';
import { Failure, messageOf } from '../terminal/failure.js';

/** Far more than a run prints. */
const FILE_BYTES_MAX = 4 * 2 ** 20;

/** What `bench --json` or `replay --json` printed. Rejects with a `Failure` for anything else. */
export async function readRun(path: string): Promise<RunRecord> {
  const hint = 'a report is made of what bench --json and replay --json print';
  const name = JSON.stringify(path);
  const read = await text(createReadStream(path, { end: FILE_BYTES_MAX })).catch((error: unknown) => {
    throw new Failure(`cannot read ${name}: ${messageOf(error)}`, hint, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(read);
  } catch (error) {
    throw new Failure(`${name} is not JSON: ${messageOf(error)}`, hint, error);
  }
  if (isRun(value)) return value;
  throw new Failure(`${name} tells of no run of this format, ${RUN_FORMAT}`, hint);
}

/** Every part that a report shows, by its type: a file may have been changed by hand. */
function isRun(value: unknown): value is RunRecord {
  return isLike(value, SHAPE) && value.format === RUN_FORMAT;
}

const NUMBERS = [0];
const SUMMARY = {
  operations: 0,
  bytes: 0,
  operationsPerSecond: 0,
  bytesPerSecond: 0,
  latency: { meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 },
  percentiles: [NUMBERS],
};
const SHAPE = {
  format: '',
  what: '',
  startedAt: '',
  device: '',
  sizeBytes: 0,
  durability: { write: '', flush: '' },
  seconds: 0,
  flushSeconds: 0,
  reads: SUMMARY,
  writes: SUMMARY,
  timeline: {
    everySeconds: 0,
    readOperations: NUMBERS,
    readBytes: NUMBERS,
    writeOperations: NUMBERS,
    writeBytes: NUMBERS,
  },
  base: { reads: 0, readBytes: 0, writes: 0, writeBytes: 0, zeroes: 0, flushes: 0 },
};

/** Whether a value has the fields of a pattern, each of the same type; of a list every element is like the pattern's only one. */
function isLike(value: unknown, pattern: unknown): value is Readonly<Record<string, unknown>> {
  if (Array.isArray(pattern)) return Array.isArray(value) && value.every((each) => isLike(each, pattern[0]));
  if (typeof pattern !== 'object' || pattern === null) return typeof value === typeof pattern;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern).every(([name, each]) => isLike((value as Record<string, unknown>)[name], each));
}
