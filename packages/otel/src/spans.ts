import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { checkOptionNames, isBlockError, type KnownOptions } from '@blockyard/block';
import { DEVICE_CHANNEL, type DeviceOperation } from '@blockyard/layers/tracing';
import { type Attributes, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

export interface TraceDevicesOptions {
  /** What makes the spans. Default: that of the global provider, under the name of this package. */
  readonly tracer?: Tracer;
}

const KNOWN: KnownOptions<TraceDevicesOptions> = { tracer: true };

/**
 * Makes a span of each operation of the devices that `withTracing` wraps, from now on until the function that it gives is called.
 * The parent is the span of the device above, if the operation comes from one, or else the active one of the caller.
 *
 * Throws `INVALID_ARGUMENT` for an option that is unknown.
 */
export function traceDevices(options: TraceDevicesOptions = {}): () => void {
  checkOptionNames(options, KNOWN);
  const { tracer = trace.getTracer('@blockyard/otel') } = options;
  const channel = tracingChannel<Span, DeviceOperation>(DEVICE_CHANNEL);
  const present = new AsyncLocalStorage<Span>();
  const spans = new WeakMap<DeviceOperation, Span>();
  const begin = (message: DeviceOperation): Span => {
    const above = present.getStore();
    const parent = above === undefined ? context.active() : trace.setSpan(context.active(), above);
    const span = tracer.startSpan(`blockyard ${message.operation}`, { attributes: attributesOf(message) }, parent);
    spans.set(message, span);
    return span;
  };
  const end = (message: unknown) => {
    const span = spans.get(message as DeviceOperation);
    // One that had begun before.
    if (span === undefined) return;
    const { error } = message as DeviceOperation;
    if (error !== undefined) fail(span, error);
    span.end();
  };
  channel.start.bindStore(present, begin);
  channel.asyncEnd.subscribe(end);
  return () => {
    channel.start.unbindStore(present);
    channel.asyncEnd.unsubscribe(end);
  };
}

function attributesOf({ operation, device, sectorSize, start, count }: DeviceOperation): Attributes {
  return {
    'blockyard.operation': operation,
    'blockyard.device': device,
    ...(start === undefined ? {} : { 'blockyard.start_sector': start }),
    ...(count === undefined ? {} : { 'blockyard.sectors': count, 'blockyard.bytes': count * sectorSize }),
  };
}

function fail(span: Span, error: unknown): void {
  const { code, message } = isBlockError(error) ? error : { code: 'IO', message: String(error) };
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
