/** One version of an object. */
export interface ObjectVersion {
  /**
   * Names the version, in one form, with quotes: `"abc"`. Two versions of a key may have the same one if their bodies are
   * equal, since S3 derives it from the body: a body that must not be taken for an earlier one has something in it that is new
   * each time.
   */
  readonly etag: string;
  /** Bytes of the whole object. */
  readonly sizeBytes: number;
  /** What it was stored with. Undefined if it was not stored through this interface. */
  readonly stamp: string | undefined;
}
