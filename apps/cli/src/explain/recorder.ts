import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { DEVICE_CHANNEL, type DeviceOperation } from '@blockyard/layers/tracing';
import { STORE_REQUESTS_CHANNEL, type StoreRequest } from '@blockyard/object-store';
import type { Span } from './parts.js';

/** A request of a client that has ended, and what was done for it. */
export interface Recorded {
  readonly operation: string;
  readonly startSector: number | null;
  readonly sectors: number | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly spans: readonly Span[];
}

/** What is kept of one request at most. */
const SPANS_MAX = 256;

class Root {
  readonly operation: string;
  readonly start: number | undefined;
  readonly count: number | undefined;
  readonly fromMs: number;
  readonly spans: Span[] = [];

  constructor({ operation, start, count }: DeviceOperation, fromMs: number) {
    this.operation = operation;
    this.start = start;
    this.count = count;
    this.fromMs = fromMs;
  }

  add(span: Span): void {
    if (this.spans.length < SPANS_MAX) this.spans.push(span);
  }

  overlaps({ start, count }: DeviceOperation): boolean {
    if (start === undefined || count === undefined || this.start === undefined || this.count === undefined)
      return false;
    return start < this.start + this.count && this.start < start + count;
  }
}

/** An operation of the base on behalf of a request. */
interface Below {
  readonly root: Root;
  readonly fromMs: number;
  /** When the last answer of the store to it was there. */
  answeredMs: number;
}

export interface RecorderOptions {
  /**
   * Whether a device, by its name as {@link DeviceOperation} has it, is one that clients use, and then whether what is below it is
   * told of, too. If not, all of a request is the base's.
   */
  readonly topOf: (device: string) => { readonly hasBase: boolean } | undefined;
  readonly onEnd: (request: Recorded) => void;
  readonly nowMs: () => number;
}

/** Follows the requests of a device that is wrapped by `withTracing` until the function is called that it gives. */
export function recordRequests({ topOf, onEnd, nowMs }: RecorderOptions): () => void {
  const present = new AsyncLocalStorage<Below | Root>();
  const active = new Set<Root>();
  const opened = new WeakMap<object, Below | Root>();
  const rootOf = (above: Below | Root | undefined) => (above instanceof Root ? above : above?.root);

  const begin = (message: DeviceOperation): Below | Root | undefined => {
    const fromMs = nowMs();
    if (topOf(message.device) !== undefined) {
      const root = new Root(message, fromMs);
      active.add(root);
      opened.set(message, root);
      return root;
    }
    const root = rootOf(present.getStore());
    // What a request sets off but does not wait for, such as writing back, is not its own.
    if (root === undefined || !active.has(root) || !waitsFor(root.operation, message.operation)) return undefined;
    const below: Below = { root, fromMs, answeredMs: fromMs };
    opened.set(message, below);
    return below;
  };
  const end = (told: unknown) => {
    const message = told as DeviceOperation;
    const found = opened.get(message);
    const toMs = nowMs();
    if (found instanceof Root) {
      active.delete(found);
      if (topOf(message.device)?.hasBase === false) found.add({ part: 'base', fromMs: found.fromMs, toMs });
      onEnd(recordedOf(found, toMs));
    } else if (found !== undefined) {
      const { root, fromMs, answeredMs } = found;
      root.add({ part: 'base', fromMs, toMs });
      if (answeredMs > fromMs) root.add({ part: 'check', fromMs: answeredMs, toMs });
      if (message.operation !== 'read') return;
      for (const other of active) {
        if (other !== root && other.operation === 'read' && other.overlaps(message)) {
          other.add({ part: 'singleFlight', fromMs: Math.max(fromMs, other.fromMs), toMs });
        }
      }
    }
  };

  const asked = new WeakMap<StoreRequest, { readonly above: Below | Root; readonly fromMs: number }>();
  const ask = (told: unknown) => {
    const above = present.getStore();
    if (above !== undefined) asked.set(told as StoreRequest, { above, fromMs: nowMs() });
  };
  const answer = (told: unknown) => {
    const message = told as StoreRequest;
    const found = asked.get(message);
    const root = rootOf(found?.above);
    if (found === undefined || root === undefined || !active.has(root)) return;
    const toMs = nowMs();
    const { firstByteMs, transferMs } = message;
    const transferFromMs = toMs - (transferMs ?? 0);
    const sentMs = transferFromMs - (firstByteMs ?? 0);
    root.add({ part: 'transfer', fromMs: transferFromMs, toMs });
    root.add({ part: 'firstByte', fromMs: Math.max(found.fromMs, sentMs), toMs: transferFromMs });
    root.add({ part: 'storeQueue', fromMs: found.fromMs, toMs: Math.max(found.fromMs, sentMs) });
    if (!(found.above instanceof Root)) found.above.answeredMs = toMs;
  };

  const devices = tracingChannel<unknown, DeviceOperation>(DEVICE_CHANNEL);
  const requests = tracingChannel<unknown, StoreRequest>(STORE_REQUESTS_CHANNEL);
  devices.start.bindStore(present, begin as (message: unknown) => Below | Root);
  devices.asyncEnd.subscribe(end);
  requests.start.subscribe(ask);
  requests.asyncEnd.subscribe(answer);
  return () => {
    devices.start.unbindStore(present);
    devices.asyncEnd.unsubscribe(end);
    requests.start.unsubscribe(ask);
    requests.asyncEnd.unsubscribe(answer);
  };
}

/** A read waits for reads; a write may wait for memory that is written back; the rest waits for all that it sets off. */
function waitsFor(client: string, base: string): boolean {
  return client !== 'read' || base === 'read';
}

function recordedOf({ operation, start, count, fromMs, spans }: Root, toMs: number): Recorded {
  return { operation, startSector: start ?? null, sectors: count ?? null, fromMs, toMs, spans };
}
