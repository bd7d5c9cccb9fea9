import { BlockError } from '@blockyard/block';
import { BufferCursor, backoffMs, Semaphore, sleep } from '@blockyard/block/async';
import { discard, Exchange } from './exchange.js';
import { checkSame, conditionsOf, type Facts, type Part, partOf, refuseUnvalidated, validatorsOf } from './facts.js';
import { AttemptFailed, changed, failureOf, wrongAnswer } from './failures.js';
import type { FetchResponse } from './fetch.js';
import type { CheckedOptions } from './options.js';

/** Reads parts of what lies at a URL, all of them of one content. */
export class Content {
  readonly facts: Facts;
  readonly #options: CheckedOptions;
  readonly #permits: Semaphore;
  readonly #stop = new AbortController();

  private constructor(options: CheckedOptions, facts: Facts) {
    this.#options = options;
    this.facts = facts;
    this.#permits = new Semaphore(options.maxConcurrency);
  }

  /** Asks for the first byte, to learn what there is. Rejects with a `BlockError`. */
  static async open(options: CheckedOptions): Promise<Content> {
    const { signal } = new AbortController();
    const facts = await persist(options, signal, () => firstLook(options, signal));
    if (!options.allowUnvalidated) refuseUnvalidated(facts);
    return new Content(options, facts);
  }

  /** Fills the buffers with the bytes from `start` on, which are there. */
  async read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const cursor = new BufferCursor(buffers);
    const { signal } = this.#stop;
    // One that has waited for its permit may begin after the end.
    await this.#permits.run(() =>
      persist(this.#options, signal, () => fillFrom(this.#options, signal, this.facts, start, cursor)),
    );
  }

  /** Ends all requests. */
  stop(): void {
    const reason = () => new BlockError('DISCONNECTED', 'the device was disconnected');
    this.#stop.abort(reason());
    this.#permits.rejectWaiting(reason);
  }
}

/** Tries again, with growing pauses, until an attempt succeeds, fails for good, or was the last one. */
async function persist<T>(options: CheckedOptions, stop: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  const { maxAttempts, clock, random } = options;
  for (let attempts = 1; ; attempts++) {
    try {
      stop.throwIfAborted();
      return await attempt();
    } catch (error) {
      if (!(error instanceof AttemptFailed)) throw error;
      if (attempts >= maxAttempts) {
        throw new BlockError(error.code, `${error.message} (${attempts} attempts)`, { cause: error });
      }
      await sleep(clock, backoffMs(attempts, random, error.waitMs), stop);
    }
  }
}

async function firstLook(options: CheckedOptions, stop: AbortSignal): Promise<Facts> {
  const exchange = new Exchange(options, stop, 1);
  try {
    const response = await exchange.send(rangeHeaders(0, 1, undefined));
    if (response.status === 206) {
      const { start, facts } = partOf(response);
      if (start !== 0) throw wrongAnswer('another part than was asked for');
      return facts;
    }
    await discard(response);
    return emptyFacts(response);
  } finally {
    exchange.end();
  }
}

/** Of nothing there is no first byte, which servers tell in one of two ways. */
function emptyFacts({ status, headers }: FetchResponse): Facts {
  if (status === 416 && /^bytes \*\/0$/i.test(headers.get('content-range') ?? '')) {
    return { sizeBytes: 0, ...validatorsOf(headers) };
  }
  if (status !== 200) throw failureOf(status, headers.get('retry-after'));
  if (headers.get('content-length') === '0') return { sizeBytes: 0, ...validatorsOf(headers) };
  throw new BlockError('UNSUPPORTED', 'the server does not answer requests for a part: it sends all');
}

/** One attempt at what the cursor has left. */
async function fillFrom(
  options: CheckedOptions,
  stop: AbortSignal,
  facts: Facts,
  start: number,
  cursor: BufferCursor,
): Promise<void> {
  if (cursor.leftBytes === 0) return;
  const from = start + cursor.doneBytes;
  const end = from + cursor.leftBytes;
  const exchange = new Exchange(options, stop, cursor.leftBytes);
  try {
    const response = await exchange.send(rangeHeaders(from, end, facts));
    const part = await checkedPart(response, facts);
    if (part.start !== from || part.end !== end) {
      throw wrongAnswer(`bytes ${part.start} to ${part.end - 1} came, where ${from} to ${end - 1} were asked for`);
    }
    await exchange.receive(response, (bytes) => {
      // What has come before may then be wrong as well, and cannot be taken back.
      if (bytes.byteLength > cursor.leftBytes) throw new BlockError('IO', 'more bytes came than the answer told of');
      cursor.fill(bytes);
    });
    if (cursor.leftBytes > 0) throw new AttemptFailed('UNAVAILABLE', 'the answer ended early');
  } finally {
    exchange.end();
  }
}

/** The part that an answer has, if it is one, and of the content that was opened. */
async function checkedPart(response: FetchResponse, facts: Facts): Promise<Part> {
  if (response.status === 206) {
    const part = partOf(response);
    checkSame(facts, part.facts);
    return part;
  }
  await discard(response);
  const { status, headers } = response;
  if (status === 412) throw changed('it has another validator');
  if (status === 416) throw changed('it is shorter');
  if (status === 200) throw wrongAnswer('all came, where a part was asked for');
  throw failureOf(status, headers.get('retry-after'));
}

/** That no encoding is wanted `fetch` itself says where there is a range. */
function rangeHeaders(start: number, end: number, facts: Facts | undefined): Readonly<Record<string, string>> {
  return { range: `bytes=${start}-${end - 1}`, ...conditionsOf(facts) };
}
