import { connectMemory } from '@blockyard/backend-memory';
import { connectS3, createVolume } from '@blockyard/backend-s3';
import { connectCache } from '@blockyard/cache';
import { withFaults } from '@blockyard/layers';
import { withTracing } from '@blockyard/layers/tracing';
import { startLocalS3 } from '@blockyard/local-s3';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { traceDevices } from './spans.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');
const ends: (() => void)[] = [];

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  exporter.reset();
});

function begin(): void {
  ends.push(traceDevices({ tracer }));
}

const memory = () => connectMemory({ sizeSectors: 2048 });
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

test('an operation is a span, with what it is about', async () => {
  const device = withTracing(await memory());
  begin();
  await device.write(8, [new Uint8Array(1024)]);
  const [span] = exporter.getFinishedSpans();
  expect(span?.name).toBe('blockyard write');
  expect(span?.attributes).toEqual({
    'blockyard.operation': 'write',
    'blockyard.device': 'memory',
    'blockyard.start_sector': 8,
    'blockyard.sectors': 2,
    'blockyard.bytes': 1024,
  });
  expect(span?.status.code).toBe(SpanStatusCode.UNSET);
  await device.disconnect();
});

test('what a cache asks of its base lies within what was asked of the cache, and that within the caller’s span', async () => {
  const cache = withTracing(await connectCache(withTracing(await memory()), { maxSizeBytes: 2 ** 20 }));
  begin();
  await tracer.startActiveSpan('caller', async (caller) => {
    await cache.read(0, [new Uint8Array(512)]);
    caller.end();
  });
  const spans = exporter.getFinishedSpans();
  const find = (name: string, device: string) =>
    spans.find((span) => span.name === name && String(span.attributes['blockyard.device'] ?? '') === device);
  const [above, below, caller] = [
    find('blockyard read', 'cache(tracing(memory))'),
    find('blockyard read', 'memory'),
    find('caller', ''),
  ];
  expect(below?.parentSpanContext?.spanId).toBe(idOf(above));
  expect(above?.parentSpanContext?.spanId).toBe(idOf(caller));
  expect(idOf(caller)).toBeDefined();
  await cache.disconnect();
});

test('a read of a volume in a store shows what of it took how long there', async () => {
  const s3 = await startLocalS3();
  const place = { bucket: s3.bucket, prefix: 'disk', endpoint: s3.endpoint, credentials: s3.credentials };
  await createVolume({ ...place, sizeBytes: 2 ** 20 });
  const device = withTracing(await connectS3(place));
  await device.write(0, [new Uint8Array(4096).fill(1)]);
  begin();
  await device.read(0, [new Uint8Array(4096)]);
  for (const end of ends.splice(0)) end();
  await device.disconnect();
  await s3.stop();
  const spans = exporter.getFinishedSpans();
  const [read, get] = ['blockyard read', 'blockyard store get'].map((name) => spans.find((span) => span.name === name));
  expect(get?.parentSpanContext?.spanId).toBe(idOf(read));
  expect(idOf(read)).toBeDefined();
  expect(get?.attributes).toMatchObject({
    'blockyard.store': `s3://${s3.bucket}/disk`,
    'blockyard.key': expect.stringContaining('disk/'),
    'blockyard.download_bytes': expect.any(Number),
    'blockyard.attempts': 1,
    'blockyard.waited_ms': expect.any(Number),
    'blockyard.first_byte_ms': expect.any(Number),
    'blockyard.transfer_ms': expect.any(Number),
  });
});

test('a failure is the span’s too, with its code', async () => {
  const rules = [{ action: 'failBefore', operation: 'read', code: 'UNAVAILABLE' }] as const;
  const device = withTracing(withFaults(await memory(), { rules }));
  begin();
  await expect(device.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  const [span] = exporter.getFinishedSpans();
  expect(span?.status.code).toBe(SpanStatusCode.ERROR);
  expect(span?.attributes['error.type']).toBe('UNAVAILABLE');
  await device.disconnect();
});

test('nothing is traced before the beginning and after the end', async () => {
  const device = withTracing(await memory());
  const reading = device.read(0, [new Uint8Array(512)]);
  begin();
  await reading;
  for (const end of ends.splice(0)) end();
  await device.read(0, [new Uint8Array(512)]);
  await device.disconnect();
  expect(exporter.getFinishedSpans()).toEqual([]);
});

test('without a tracer it is that of the global provider', async () => {
  trace.setGlobalTracerProvider(provider);
  const device = withTracing(await memory());
  ends.push(traceDevices(), () => trace.disable());
  await device.flush();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['blockyard flush']);
  expect(() => traceDevices({ tracing: 1 } as never)).toThrow('tracing');
  await device.disconnect();
});
