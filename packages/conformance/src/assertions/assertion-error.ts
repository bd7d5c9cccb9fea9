/** What an assertion says. */
export interface AssertionOptions {
  readonly message: string;
  /** What was found, for runners that show it beside `expected`. */
  readonly actual?: unknown;
  readonly expected?: unknown;
  readonly cause?: unknown;
}

/**
 * What is found is not what must be. It has the name, the code and the fields of the error of `node:assert`, by which runners
 * know one and show the difference; and it needs no Node.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
  /** Without it runners would print the message alone and leave out the difference, or the other way round. */
  readonly generatedMessage = false;
  declare readonly actual?: unknown;
  declare readonly expected?: unknown;

  constructor(options: AssertionOptions) {
    super(options.message, 'cause' in options ? { cause: options.cause } : undefined);
    // A field that is there with no value would be shown as a difference.
    if ('actual' in options) this.actual = options.actual;
    if ('expected' in options) this.expected = options.expected;
  }
}

/** Whether a check of any package found something wrong: the kit's, or one of `node:assert` in a subject. */
export function isAssertionError(error: unknown): error is Error {
  return error instanceof Error && (error instanceof AssertionError || error.name === 'AssertionError');
}
