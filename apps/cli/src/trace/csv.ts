import { type Trace, traceError } from './trace.js';

const CSV_BLOCK_BYTES = 4096;
/** Characters of a wrong line that a message repeats. */
const SHOWN_MAX = 60;
/** Names with commas between: no request begins with a letter. */
const HEADING = /^"?[\p{L}_][^\p{Cc},]*(,[^\p{Cc},]*){2,}$/u;
const OPERATION = /^(r|w|read|write)$/i;

/**
 * Reads CSV: `offset,bytes,op` a line, where op is `R`, `W`, `read` or `write`; or `offset,bytes,op,ms` with the time of each
 * request in milliseconds, ascending. A heading is skipped.
 *
 * Throws an `Error` that names `name` and the line.
 */
export function parseCsv(text: string, name: string): Trace {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (HEADING.test(lines[0]?.trim() ?? '')) lines.shift();
  const offsets = new Float64Array(lines.length);
  const lengths = new Float64Array(lines.length);
  const writes = new Uint8Array(lines.length);
  const timesMs = new Float64Array(lines.length);
  let timed = 0;
  for (const [i, line] of lines.entries()) {
    const [offset, length, operation, ms] = line.split(',').map((field) => field.trim());
    if (!isCount(offset) || !isCount(length) || operation === undefined || !OPERATION.test(operation)) {
      throw traceError(name, `${show(line)} must be "offset,bytes,op[,ms]" with an op of R, W, read or write`);
    }
    offsets[i] = Number(offset);
    lengths[i] = Number(length);
    writes[i] = /^w/i.test(operation) ? 1 : 0;
    if (ms === undefined || ms === '') continue;
    timesMs[i] = timeOf(ms, timesMs[i - 1] ?? 0, line, name);
    timed++;
  }
  const trace = { name, unitBytes: 1, blockBytes: CSV_BLOCK_BYTES, offsets, lengths, writes };
  if (timed === 0) return trace;
  if (timed < lines.length) throw traceError(name, 'either every line has a time, or none');
  return { ...trace, timesMs: timesMs.map((ms) => ms - (timesMs[0] ?? 0)) };
}

function timeOf(text: string, beforeMs: number, line: string, name: string): number {
  const ms = Number(text);
  if (Number.isFinite(ms) && ms >= beforeMs) return ms;
  throw traceError(name, `the time of ${show(line)} must be milliseconds, no less than that of the line before`);
}

/** Quoted: what is in a file reaches no terminal as it is. */
function show(line: string): string {
  const text = line.trim();
  return JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text);
}

function isCount(field: string | undefined): field is string {
  return field !== undefined && /^\d+$/.test(field) && Number.isSafeInteger(Number(field));
}
