/** What is done with the next cells: the lower two bits of each number of a delta, above them how many cells. */
const SKIP = 0;
const REPEAT = 1;
const LITERAL = 2;

/** A run of equal changes that is shorter is cheaper among others. */
const RUN_MIN = 4;

/**
 * What makes `after` of `before`, which are of one length: numbers of seven bits a byte, the lowest first, each followed by the
 * one byte that is repeated, or the bytes that are set. Never longer than a hundredth more than the cells.
 */
export function deltaBetween(before: Uint8Array, after: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < after.length; ) {
    const same = runOf(at, after.length, (i) => before[i] === after[i]);
    if (at + same === after.length) break;
    if (same > 0) number(out, same, SKIP);
    at += same;
    const equal = runOf(at, after.length, (i) => after[i] === after[at]);
    if (equal >= RUN_MIN) {
      number(out, equal, REPEAT);
      out.push(after[at] ?? 0);
      at += equal;
      continue;
    }
    const literal = literalFrom(before, after, at);
    number(out, literal, LITERAL);
    for (let i = at; i < at + literal; i++) out.push(after[i] ?? 0);
    at += literal;
  }
  return Uint8Array.from(out);
}

/** Changes `cells` by a delta. Throws a `RangeError` for one that does not fit them, and may have changed some. */
export function applyDelta(cells: Uint8Array, delta: Uint8Array): void {
  let at = 0;
  for (let i = 0; i < delta.length; ) {
    let value = 0;
    let factor = 1;
    let byte: number;
    do {
      if (i >= delta.length || factor > 2 ** 35) throw new RangeError('the delta is damaged');
      byte = delta[i++] ?? 0;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte >= 128);
    const count = Math.floor(value / 4);
    const kind = value % 4;
    const needs = kind === LITERAL ? count : kind === REPEAT ? 1 : 0;
    if (count > cells.length - at || needs > delta.length - i) throw new RangeError('the delta is damaged');
    if (kind === REPEAT) cells.fill(delta[i] ?? 0, at, at + count);
    if (kind === LITERAL) cells.set(delta.subarray(i, i + count), at);
    i += needs;
    at += count;
  }
}

/** Up to where two cells in a row are as before, or a run begins. */
function literalFrom(before: Uint8Array, after: Uint8Array, start: number): number {
  let at = start + 1;
  for (; at < after.length; at++) {
    if (before[at] === after[at] && before[at + 1] === after[at + 1]) break;
    if (runOf(at, Math.min(after.length, at + RUN_MIN), (i) => after[i] === after[at]) === RUN_MIN) break;
  }
  return at - start;
}

function runOf(from: number, end: number, holds: (at: number) => boolean): number {
  let at = from;
  while (at < end && holds(at)) at++;
  return at - from;
}

function number(out: number[], count: number, kind: number): void {
  let value = count * 4 + kind;
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) + 128);
  out.push(value);
}
