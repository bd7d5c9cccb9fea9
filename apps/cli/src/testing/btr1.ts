/** A request of a trace, in units. */
export interface Request {
  readonly start: number;
  readonly length: number;
  readonly isWrite?: boolean;
}

/** A trace in the format BTR1. */
export function encodeBtr1(
  requests: readonly Request[],
  { unit = 512, blockSize = 4096, records = requests.length } = {},
) {
  const bytes: number[] = [];
  let end = 0;
  for (const { start, length, isWrite = false } of requests) {
    const distance = start - end;
    const zigzag = distance >= 0 ? 2 * distance : -2 * distance - 1;
    pushLeb128(bytes, zigzag * 2 + (isWrite ? 1 : 0));
    pushLeb128(bytes, length);
    end = start + length;
  }
  const header = JSON.stringify({ format: 'BTR1', name: 'tiny', unit, blockSize, records });
  return Buffer.concat([Buffer.from(`${header}\n`), Uint8Array.from(bytes)]);
}

function pushLeb128(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
