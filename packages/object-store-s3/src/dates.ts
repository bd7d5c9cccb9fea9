import type { S3Client } from '@aws-sdk/client-s3';
import type { AnswerDates, StoreDates } from '@blockyard/object-store';

let instances = 0;

/**
 * Looks at the dates of all answers that a client gets. They are a second clock, which goes on while this machine, or this
 * process, stands still. Milliseconds since 1970, in whole seconds.
 */
export class ClientDates implements StoreDates {
  readonly #client: S3Client;
  readonly #name = `blockyardDates${++instances}`;
  #latestMs: number | undefined;
  #watchedKey: string | undefined;
  #watched: AnswerDates | undefined;

  constructor(client: S3Client) {
    this.#client = client;
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { headers = {} } = result.response as { headers?: Readonly<Record<string, string>> };
        this.note((args.input as { Key?: unknown }).Key, headers);
        return result;
      },
      { name: this.#name, step: 'deserialize', priority: 'high' },
    );
  }

  get latestMs(): number | undefined {
    return this.#latestMs;
  }

  watch(key: string): void {
    this.#watchedKey = key;
  }

  get watched(): AnswerDates | undefined {
    return this.#watched;
  }

  /** Leaves the client as it was. */
  close(): void {
    this.#client.middlewareStack.remove(this.#name);
  }

  /** Takes the dates of an answer that did not come through the client. */
  note(key: unknown, headers: Readonly<Record<string, string | undefined>>): void {
    const answeredMs = timeOf(headers.date);
    if (answeredMs !== undefined) this.#latestMs = answeredMs;
    if (key === undefined || key !== this.#watchedKey) return;
    this.#watched = { answeredMs, storedMs: timeOf(headers['last-modified']) };
  }
}

function timeOf(header: string | undefined): number | undefined {
  const ms = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(ms) ? undefined : ms;
}
