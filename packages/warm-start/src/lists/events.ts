import type { BlockError } from '@blockyard/block';
import type { WarmUpResult } from '@blockyard/cache';
import type { ListKind } from '../format/range-list.js';

/** What happens to a list. None of it is felt by callers of the device. */
export type WarmStartEvent = {
  /** Which list, and in which file. */
  readonly list: ListKind;
  readonly path: string;
} & (
  | {
      /** It was read, and is brought in from now on. */
      readonly type: 'begun';
      readonly ranges: number;
      readonly sizeBytes: number;
    }
  | {
      /** What was in it was brought in, or as much as there was room for; or reads of the base failed. */
      readonly type: 'warmed';
      readonly result: WarmUpResult;
    }
  | {
      /** What is there is of no use. `isKept`: it is another's, so that nothing is written there. */
      readonly type: 'ignored';
      readonly reason: string;
      readonly isKept: boolean;
    }
  | {
      /** A first start was recorded. */
      readonly type: 'recorded';
      readonly ranges: number;
      readonly sizeBytes: number;
    }
  /** It could not be written. What was there is as it was. */
  | { readonly type: 'failed'; readonly error: BlockError }
);

/** Of one list. */
export type ListEvent = WarmStartEvent extends infer E
  ? E extends WarmStartEvent
    ? Omit<E, 'list' | 'path'>
    : never
  : never;
