import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { type LogOptions, openLog } from './log.js';

async function written(options: LogOptions, isTTY = false): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY });
  const log = await openLog(stream, options);
  log.write('debug', 'a detail', {});
  log.write('info', 'client 1 opened "disk"', { event: 'opened', client: 1, export: 'disk' });
  log.write('warn', 'without TLS', {});
  log.write('error', 'data is lost', { code: 'IO' });
  return text(stream.end());
}

test('as JSON a record has its time, its level, its process and its fields', async () => {
  const lines = (await written({ format: 'auto', level: 'info' }))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ level }) => level)).toEqual(['info', 'warn', 'error']);
  expect(lines[0]).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    pid: process.pid,
    event: 'opened',
    client: 1,
    export: 'disk',
    msg: 'client 1 opened "disk"',
  });
});

test('on a terminal a record is a line with the time; as text without; what is less grave than the level is left out', async () => {
  expect(await written({ format: 'auto', level: 'warn' }, true)).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} warning: without TLS\n\d\d:\d\d:\d\d\.\d{3} error: data is lost\n$/,
  );
  expect(await written({ format: 'text', level: 'debug' }, true)).toBe(
    'a detail\nclient 1 opened "disk"\nwarning: without TLS\nerror: data is lost\n',
  );
});
