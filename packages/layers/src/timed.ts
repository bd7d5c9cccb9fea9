import { type BlockErrorCode, type Clock, isBlockError } from '@blockyard/block';

/** How a call ended. */
export interface Ended {
  /** The clock's time at the beginning. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Why it failed; undefined if it did not. */
  readonly error: BlockErrorCode | undefined;
}

/** Settles as `call` does, once `report` was told. */
export async function timed<T>(clock: Clock, call: () => Promise<T>, report: (ended: Ended) => void): Promise<T> {
  const startMs = clock.now();
  const end = (error: BlockErrorCode | undefined) => report({ startMs, durationMs: clock.now() - startMs, error });
  try {
    const result = await call();
    end(undefined);
    return result;
  } catch (error) {
    end(isBlockError(error) ? error.code : 'IO');
    throw error;
  }
}
