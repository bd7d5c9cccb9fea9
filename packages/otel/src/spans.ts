import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { checkOptionNames, isBlockError, type KnownOptions } from '@blockyard/block';
import { DEVICE_CHANNEL, type DeviceOperation } from '@blockyard/layers/tracing';
import { STORE_REQUESTS_CHANNEL, type StoreRequest } from '@blockyard/object-store';
import { type Attributes, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

/** Options of {@link traceDevices}. */
export interface TraceDevicesOptions {
  /** What makes the spans. Default: that of the global provider, under the name of this package. */
  readonly tracer?: Tracer;
}

const KNOWN: KnownOptions<TraceDevicesOptions> = { tracer: true };

/**
 * Makes a span of each operation of the devices that `withTracing` wraps, and of each request to an S3 store, from now on until the
 * function that it gives is called. The parent is the span of the device above, if it comes from one, or else the active one of
 * the caller.
 *
 * Throws `INVALID_ARGUMENT` for an option that is unknown.
 */
export function traceDevices(options: TraceDevicesOptions = {}): () => void {
  checkOptionNames(options, KNOWN);
  const { tracer = trace.getTracer('@blockyard/otel') } = options;
  const present = new AsyncLocalStorage<Span>();
  const follow = <M extends Told>(
    name: string,
    describe: (message: M) => Described,
    atEnd: (message: M) => Attributes,
  ) => followChannel(name, { tracer, present, describe, atEnd });
  const ends = [
    follow<DeviceOperation>(DEVICE_CHANNEL, deviceSpan, () => ({})),
    follow<StoreRequest>(STORE_REQUESTS_CHANNEL, storeSpan, storeTimes),
  ];
  return () => {
    for (const end of ends) end();
  };
}

interface Told {
  readonly error?: unknown;
}

interface Described {
  readonly name: string;
  readonly attributes: Attributes;
}

interface Following<M> {
  readonly tracer: Tracer;
  /** The span that work is done for. */
  readonly present: AsyncLocalStorage<Span>;
  readonly describe: (message: M) => Described;
  /** What is known at the end alone. */
  readonly atEnd: (message: M) => Attributes;
}

function followChannel<M extends Told>(name: string, { tracer, present, describe, atEnd }: Following<M>): () => void {
  const channel = tracingChannel<Span, M>(name);
  const spans = new WeakMap<M, Span>();
  const begin = (message: M): Span => {
    const above = present.getStore();
    const parent = above === undefined ? context.active() : trace.setSpan(context.active(), above);
    const { name: spanName, attributes } = describe(message);
    const span = tracer.startSpan(spanName, { attributes }, parent);
    spans.set(message, span);
    return span;
  };
  const end = (told: unknown) => {
    const message = told as M;
    const span = spans.get(message);
    // One that had begun before.
    if (span === undefined) return;
    span.setAttributes(atEnd(message));
    if (message.error !== undefined) fail(span, message.error);
    span.end();
  };
  channel.start.bindStore(present, begin);
  channel.asyncEnd.subscribe(end);
  return () => {
    channel.start.unbindStore(present);
    channel.asyncEnd.unsubscribe(end);
  };
}

function storeSpan({ store, kind, key, uploadBytes, downloadBytes }: StoreRequest): Described {
  const attributes = {
    'blockyard.store': store,
    'blockyard.key': key,
    'blockyard.upload_bytes': uploadBytes,
    'blockyard.download_bytes': downloadBytes,
  };
  return { name: `blockyard store ${kind}`, attributes };
}

function storeTimes({ attempts, waitedMs, firstByteMs, transferMs }: StoreRequest): Attributes {
  return {
    'blockyard.attempts': attempts,
    'blockyard.waited_ms': waitedMs,
    ...(firstByteMs === undefined ? {} : { 'blockyard.first_byte_ms': firstByteMs }),
    ...(transferMs === undefined ? {} : { 'blockyard.transfer_ms': transferMs }),
  };
}

function deviceSpan({ operation, device, sectorSize, start, count }: DeviceOperation): Described {
  const attributes = {
    'blockyard.operation': operation,
    'blockyard.device': device,
    ...(start === undefined ? {} : { 'blockyard.start_sector': start }),
    ...(count === undefined ? {} : { 'blockyard.sectors': count, 'blockyard.bytes': count * sectorSize }),
  };
  return { name: `blockyard ${operation}`, attributes };
}

function fail(span: Span, error: unknown): void {
  const { code, message } = isBlockError(error) ? error : { code: 'IO', message: String(error) };
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
