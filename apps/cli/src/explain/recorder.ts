import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { DEVICE_CHANNEL, type DeviceOperation } from '@blockyard/layers/tracing';
import type { NbdRequest } from '@blockyard/nbd';
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

/** An operation of a device, or a request to a server. */
export type Told = DeviceOperation | NbdRequest;

/** What a request of a client is for. */
export interface Top {
  /** The same for all requests that may wait for one another. */
  readonly volume: string;
  /** Whether what is below its cache is told of, too. If not, all of a request is the base's. */
  readonly hasBase: boolean;
}

class Root {
  readonly top: Top;
  readonly operation: string;
  readonly start: number | undefined;
  readonly count: number | undefined;
  readonly fromMs: number;
  readonly spans: Span[] = [];

  constructor(top: Top, { operation, start, count }: Told, fromMs: number) {
    this.top = top;
    this.operation = operation;
    this.start = start;
    this.count = count;
    this.fromMs = fromMs;
  }

  add(span: Span): void {
    if (this.spans.length < SPANS_MAX) this.spans.push(span);
  }

  overlaps({ start, count }: Told): boolean {
    if (start === undefined || count === undefined || this.start === undefined || this.count === undefined)
      return false;
    return start < this.start + this.count && this.start < start + count;
  }
}

/** An operation of the base that a request has set off. */
interface Below {
  readonly root: Root;
  /** Writing back, for one, is no wait of the read that sets it off. */
  readonly isWaitedFor: boolean;
  readonly fromMs: number;
  /** When the last answer of the store to it was there. */
  answeredMs: number;
}

export interface RecorderOptions {
  /** Where requests of clients are told of, if not where all operations of devices are. */
  readonly requestsChannel?: string;
  /** Undefined: it is no request of a client, but something that one may have set off. */
  readonly topOf: (told: Told) => Top | undefined;
  readonly onEnd: (request: Recorded) => void;
  readonly nowMs: () => number;
}

/** Follows requests of clients, and what is done for them, until the function is called that it gives. */
export function recordRequests({ requestsChannel, topOf, onEnd, nowMs }: RecorderOptions): () => void {
  const present = new AsyncLocalStorage<Below | Root>();
  const active = new Set<Root>();
  const opened = new WeakMap<object, Below | Root>();
  const rootOf = (above: Below | Root | undefined) => (above instanceof Root ? above : above?.root);

  const begin = (message: Told): Below | Root | undefined => {
    const fromMs = nowMs();
    const top = topOf(message);
    if (top !== undefined) {
      const root = new Root(top, message, fromMs);
      active.add(root);
      opened.set(message, root);
      return root;
    }
    const root = rootOf(present.getStore());
    if (root === undefined) return undefined;
    const isWaitedFor = active.has(root) && waitsFor(root.operation, message.operation);
    const below: Below = { root, isWaitedFor, fromMs, answeredMs: fromMs };
    opened.set(message, below);
    return below;
  };
  const end = (told: unknown) => {
    const message = told as Told;
    const found = opened.get(message);
    const toMs = nowMs();
    if (found instanceof Root) {
      active.delete(found);
      if (!found.top.hasBase) found.add({ part: 'base', fromMs: found.fromMs, toMs });
      onEnd(recordedOf(found, toMs));
    } else if (found !== undefined) {
      endBelow(found, message, toMs);
    }
  };
  const endBelow = ({ root, isWaitedFor, fromMs, answeredMs }: Below, message: Told, toMs: number) => {
    if (isWaitedFor && active.has(root)) {
      root.add({ part: 'base', fromMs, toMs });
      if (answeredMs > fromMs) root.add({ part: 'check', fromMs: answeredMs, toMs });
    }
    if (message.operation !== 'read') return;
    // What was read ahead for one request is what a later one waits for.
    for (const other of active) {
      const isWaiting = other !== root && other.operation === 'read' && other.top.volume === root.top.volume;
      if (isWaiting && other.overlaps(message))
        other.add({ part: 'singleFlight', fromMs: Math.max(fromMs, other.fromMs), toMs });
    }
  };

  const asked = new WeakMap<StoreRequest, { readonly above: Below | Root; readonly fromMs: number }>();
  const ask = (told: unknown) => {
    const above = present.getStore();
    const isWaitedFor = above instanceof Root || above?.isWaitedFor === true;
    if (above !== undefined && isWaitedFor) asked.set(told as StoreRequest, { above, fromMs: nowMs() });
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

  const operations = [DEVICE_CHANNEL, requestsChannel]
    .filter((name) => name !== undefined)
    .map((name) => tracingChannel<unknown, Told>(name));
  const requests = tracingChannel<unknown, StoreRequest>(STORE_REQUESTS_CHANNEL);
  for (const { start, asyncEnd } of operations) {
    start.bindStore(present, begin as (message: unknown) => Below | Root);
    asyncEnd.subscribe(end);
  }
  requests.start.subscribe(ask);
  requests.asyncEnd.subscribe(answer);
  return () => {
    for (const { start, asyncEnd } of operations) {
      start.unbindStore(present);
      asyncEnd.unsubscribe(end);
    }
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
