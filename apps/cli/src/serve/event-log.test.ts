import { BlockError } from '@blockyard/block';
import type { ServerEvent } from '@blockyard/nbd';
import { expect, test } from 'vitest';
import { EventLog } from './event-log.js';

const peer = { connection: 1, address: 'unix' };
const failed: ServerEvent = { type: 'failed', peer, export: '', error: new BlockError('IO', 'broken') };

test('what clients send reaches no terminal as it is', () => {
  const lines: string[] = [];
  new EventLog((line) => lines.push(line)).add({ type: 'opened', peer, export: '\u001b[2J\n', tls: false });
  expect(lines).toEqual(['client 1 opened "\\u001b[2J\\n"']);
});

test('a device that fails all the time does not flood the log, and no failure is left out of the count', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const log = new EventLog(
    (line) => lines.push(line),
    () => nowMs,
  );
  for (let i = 0; i < 1000; i++) log.add(failed);
  expect(lines).toHaveLength(10);
  nowMs = 1000;
  for (let i = 0; i < 15; i++) log.add(failed);
  expect(lines[10]).toBe('990 further requests failed');
  log.add({ type: 'stopping', connections: 0 });
  expect(lines.slice(-2)).toEqual(['5 further requests failed', 'stopping; 0 connections are open']);
});

test('times are whole milliseconds, in words and as fields', () => {
  const told: unknown[] = [];
  const log = new EventLog((line, fields) => told.push(line, fields?.pausedMs));
  log.add({ type: 'handedOver', connections: 2, pausedMs: 68.802207 });
  expect(told).toEqual(['handed over; 2 connections waited for 69 ms', 69]);
});
