import type { BlockError } from '@blockyard/block';
import type { RequestKind } from '../traffic.js';

/**
 * What is done to one request.
 *
 * - `refuse`: it is not carried out, and the caller is told so: the error.
 * - `hold`: it is carried out, and answered, once `until` resolves.
 * - `lose`: the caller gets no answer, which comes out as `UNAVAILABLE`, or as a PUT that is `late`. The request is carried out
 *   before that, or when `carriedOut` resolves, or never.
 * - `truncate`: a GET gives the first `bytes` bytes of what it asks for, and then fails: `UNAVAILABLE`. Other requests are
 *   carried out, and lost.
 */
export type Fault =
  | { readonly kind: 'refuse'; readonly error: BlockError }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  | { readonly kind: 'lose'; readonly carriedOut: 'before' | 'never' | Promise<unknown> }
  | { readonly kind: 'truncate'; readonly bytes: number };

/** A request to a store. */
export interface StoreRequest {
  readonly kind: RequestKind;
  /** Of the object; the prefix of a listing; of a delete the first of its keys. */
  readonly key: string;
  /** Of a delete. */
  readonly keys?: readonly string[];
}
