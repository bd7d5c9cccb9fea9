import { BlockError } from '@blockyard/block';
import type { Listed } from '@blockyard/object-store';
import { type Page, type PageRequest, StrangePage } from './list-page.js';

/** Times that a page that cannot be true is asked for again. */
export const PAGE_REPEATS_MAX = 3;

/** Pages without a key that follow each other. A bucket with versions has them where much was deleted. */
export const EMPTY_PAGES_MAX = 1000;

/** A walk through the keys that begin with `prefix`. */
export interface Walk {
  readonly bucket: string;
  readonly prefix: string;
  readonly inOrder: boolean;
  /** Only keys after this one, in order. */
  readonly after?: string | undefined;
  /** A key that exists: a listing that ends without it, or in order before it, is not believed. */
  readonly reaches?: string | undefined;
  /** Keys in a page. */
  readonly maxKeys: number;
}

/**
 * The pages of a listing, one request for each, asked for when its turn comes. `what` is for messages.
 *
 * Goes on by the store's continuation token, or, in order, after the last key where it gives none.
 */
export async function* listPages(
  getPage: (request: PageRequest) => Promise<Page>,
  { bucket, prefix, inOrder, after: first, reaches: exists, maxKeys }: Walk,
  what: string,
): AsyncGenerator<readonly Listed[], void> {
  let after = first;
  let reaches = exists;
  let token: string | undefined;
  let emptyPages = 0;
  for (;;) {
    const page = await getBelievable(getPage, { bucket, prefix, inOrder, maxKeys, after, token, reaches }, what);
    yield page.objects;
    if (!page.more) return;
    emptyPages = page.objects.length === 0 ? emptyPages + 1 : 0;
    if (emptyPages > EMPTY_PAGES_MAX) {
      throw new BlockError('UNAVAILABLE', `${what}: ${emptyPages} pages in a row have no keys`);
    }
    after = page.objects.at(-1)?.key ?? after;
    if (page.objects.some(({ key }) => key === reaches)) reaches = undefined;
    token = page.token;
  }
}

async function getBelievable(
  getPage: (request: PageRequest) => Promise<Page>,
  request: PageRequest,
  what: string,
): Promise<Page> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await getPage(request);
    } catch (error) {
      if (!(error instanceof StrangePage)) throw error;
      if (repeats === PAGE_REPEATS_MAX) throw new BlockError(error.code, `${what}: ${error.message}`, { cause: error });
    }
  }
}
