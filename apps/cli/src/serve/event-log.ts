import { isBlockError } from '@blockyard/block';
import type { ServerEvent } from '@blockyard/nbd';
import { messageOf } from '../terminal/failure.js';

/** A device that fails, fails thousands of times a second. More lines than that in one second are counted, not written. */
const FAILURES_PER_SECOND_MAX = 10;

/** Takes a line, and the same as fields for programs. */
type WriteLine = (line: string, fields: Readonly<Record<string, unknown>>) => void;

/** What happens on a server, a line each. */
export class EventLog {
  readonly #write: WriteLine;
  readonly #nowMs: () => number;
  #secondStartMs = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(write: WriteLine, nowMs = () => performance.now()) {
    this.#write = write;
    this.#nowMs = nowMs;
  }

  readonly add = (event: ServerEvent): void => {
    if (event.type === 'failed' && !this.#hasRoom()) return;
    if (event.type === 'stopping') this.#tellRest();
    this.#write(textOf(event), fieldsOf(event));
  };

  #hasRoom(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#secondStartMs >= 1000) {
      this.#tellRest();
      this.#secondStartMs = nowMs;
    }
    return ++this.#failures <= FAILURES_PER_SECOND_MAX;
  }

  #tellRest(): void {
    const untold = this.#failures - FAILURES_PER_SECOND_MAX;
    if (untold > 0) this.#write(`${untold} further requests failed`, { event: 'failed', count: untold });
    this.#failures = 0;
  }
}

/** The same names everywhere: `event`, `client`, `address`, `export`, `code`. */
function fieldsOf(event: ServerEvent): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = { event: event.type };
  if ('peer' in event) Object.assign(fields, { client: event.peer.connection, address: event.peer.address });
  if ('address' in event) fields.address = event.address;
  if ('export' in event) fields.export = event.export;
  if ('exports' in event) fields.exports = event.exports;
  if ('reason' in event) fields.reason = event.reason;
  if ('connections' in event) fields.connections = event.connections;
  if ('pausedMs' in event) fields.pausedMs = Math.round(event.pausedMs);
  if ('error' in event && isBlockError(event.error)) fields.code = event.error.code;
  return fields;
}

/** What comes from clients is quoted, so that no control character reaches a terminal. */
function textOf(event: ServerEvent): string {
  switch (event.type) {
    case 'connected':
      return `client ${event.peer.connection} connected from ${quote(event.peer.address)}`;
    case 'adopted':
      return `client ${event.peer.connection} was handed over, from ${quote(event.peer.address)}`;
    case 'handedOver':
      return `handed over; ${event.connections} connections waited for ${Math.round(event.pausedMs)} ms`;
    case 'refused':
      return `${quote(event.address)} turned away: too many connections`;
    case 'opened':
      return `client ${event.peer.connection} opened ${quote(event.export)}${event.tls ? ' with TLS' : ''}`;
    case 'closed':
      return `client ${event.peer.connection} is gone: ${quote(event.reason)}`;
    case 'failed':
      return `a request of client ${event.peer.connection} failed: ${failure(event.error)}`;
    case 'stopping':
      return `stopping; ${event.connections} connections are open`;
    case 'lost':
      return `not flushed: exports ${event.exports.map(quote).join(', ')}: ${failure(event.error)}`;
  }
}

function failure(error: unknown): string {
  return quote(isBlockError(error) ? `${error.code}: ${error.message}` : messageOf(error));
}

function quote(text: string): string {
  return JSON.stringify(text);
}
