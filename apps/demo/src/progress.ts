import ora, { type Ora } from 'ora';

/** What is being done, on standard error: a line that changes on a terminal, a line per step elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WritableStream;
  #spinner: Ora | undefined;
  #title = '';

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  /** A line of its own. */
  say(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  begin(title: string): void {
    this.#title = title;
    // A terminal that does not know its width would be cleared line after line, without end.
    const enabled = 'columns' in this.#stream && this.#stream.columns === 0 ? { isEnabled: false } : {};
    this.#spinner = ora({ stream: this.#stream, discardStdin: false, ...enabled }).start(title);
  }

  update(detail: string): void {
    if (this.#spinner !== undefined) this.#spinner.text = `${this.#title}: ${detail}`;
  }

  succeed(detail: string): void {
    this.#end('✔', `${this.#title}: ${detail}`);
  }

  fail(detail: string): void {
    this.#end('✖', `${this.#title}: ${detail}`);
  }

  /** Ends the step that is under way, if any, as one that failed. */
  stop(): void {
    this.#end('✖', this.#title);
  }

  #end(symbol: string, text: string): void {
    this.#spinner?.stopAndPersist({ symbol, text });
    this.#spinner = undefined;
  }
}
