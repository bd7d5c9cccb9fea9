import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBtr1, type Request } from '../testing/btr1.js';
import { hasByteAddresses, parseBtr1, parseCsv, readTrace, type Trace } from './index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-trace-'));
});
afterAll(() => rm(folder, { recursive: true }));

function requestsOf({ offsets, lengths, writes, unitBytes }: Trace): Request[] {
  return Array.from(offsets, (offset, i) => ({
    start: offset / unitBytes,
    length: (lengths[i] ?? 0) / unitBytes,
    isWrite: writes[i] === 1,
  }));
}

describe('BTR1', () => {
  test('is read back as it was written, also past 2^32 and backwards', () => {
    const request = fc.record({
      start: fc.integer({ min: 0, max: 2 ** 40 }),
      length: fc.integer({ min: 0, max: 2 ** 33 }),
      isWrite: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request), (requests) => {
        expect(requestsOf(parseBtr1(encodeBtr1(requests), 'x'))).toEqual(requests);
      }),
    );
  });

  test('tells its name, its unit and the recommended block', () => {
    const trace = parseBtr1(encodeBtr1([], { unit: 4096, blockSize: 65_536 }), 'x');
    expect(trace).toMatchObject({ name: 'tiny', unitBytes: 4096, blockBytes: 65_536 });
    expect(hasByteAddresses(trace)).toBe(false);
  });

  test.each([
    ['that is cut', encodeBtr1([{ start: 1e6, length: 1e6 }]).subarray(0, -1), /must not end within a record/],
    ['that promises too much', encodeBtr1([], { records: 2 ** 40 }), /must not end before the 1099511627776 records/],
    ['before the start', Buffer.concat([encodeBtr1([], { records: 1 }), Uint8Array.of(2, 1)]), /record 0 lies outside/],
    ['without units', encodeBtr1([], { unit: 0 }), /unit of the header/],
    ['of another format', Buffer.from('{"format":"BTR2"}\n'), /format must be "BTR1", not "BTR2"/],
    ['that is not a header', Buffer.from('{\n'), /the first line must be the JSON header/],
    ['of null', Buffer.from('null\n'), /format must be "BTR1"/],
  ])('%s is refused with its name', (_, bytes, message) => {
    expect(() => parseBtr1(bytes, 'some-trace')).toThrow(message);
    expect(() => parseBtr1(bytes, 'some-trace')).toThrow(/^some-trace: /);
  });
});

describe('CSV', () => {
  test('is read with and without a heading, times and empty lines', () => {
    expect([...parseCsv('\ufeff"Offset (B)","Length","Op","ms"\n0,1,R,0\n', 'x').lengths]).toEqual([1]);
    const trace = parseCsv('offset,bytes,op\r\n0,4096,R\r\n8192,512,write\n\n', 'x');
    expect([...trace.offsets, ...trace.lengths, ...trace.writes]).toEqual([0, 8192, 4096, 512, 0, 1]);
    expect(trace.timesMs).toBeUndefined();
    expect([...(parseCsv('0,1,r,100\n0,1,w,100.5\n', 'x').timesMs ?? [])]).toEqual([0, 0.5]);
  });

  test.each([
    ['0,4096,X', /must be "offset,bytes,op/],
    ['0,-1,R', /must be "offset,bytes,op/],
    ['0,1e3,R', /must be "offset,bytes,op/],
    ['0,4096,R\nrubbish', /"rubbish" must be/],
    ['0,1,R,5\n0,1,R,4', /no less than that of the line before/],
    ['0,1,R,5\n0,1,R', /either every line has a time, or none/],
    ['rubbish\n0,4096,R', /"rubbish" must be/],
    ['\u001b[2J,0,R', /"\\u001b\[2J,0,R" must be/],
  ])('%j is refused', (text, message) => {
    expect(() => parseCsv(text, 'x')).toThrow(message);
  });
});

test('of a file that is no trace at all, the message shows only the beginning', () => {
  expect(() => parseCsv(`0${'9'.repeat(1000)}`, 'x')).toThrow(/^x: "09{58}…" must be/);
});

describe('a trace file', () => {
  test('is told apart by its contents, compressed or not', async () => {
    const btr1 = encodeBtr1([{ start: 3, length: 1 }]);
    const files = {
      'a.btr': btr1,
      'a.btr.gz': gzipSync(btr1),
      'b.csv': '1536,512,R',
      'b.csv.gz': gzipSync('1536,512,R'),
    };
    for (const [name, contents] of Object.entries(files)) {
      await writeFile(join(folder, name), contents);
      expect([...(await readTrace(join(folder, name))).offsets]).toEqual([1536]);
    }
  });

  test('that is damaged is refused with its name', async () => {
    await writeFile(join(folder, 'bad.btr.gz'), gzipSync(encodeBtr1([])).subarray(0, 20));
    await expect(readTrace(join(folder, 'bad.btr.gz'))).rejects.toThrow(/^bad: /);
  });
});
