import { BlockError } from '@blockyard/block';
import { type Listed, type Page, type PageRequest, StrangePage } from './list-page.js';

/** Times that a page that cannot be true is asked for again. */
export const PAGE_REPEATS_MAX = 3;

/** Pages without a key that follow each other. A bucket with versions has them where much was deleted. */
export const EMPTY_PAGES_MAX = 1000;

/** A walk through the keys under `prefix`, in order. */
export interface Walk {
  readonly bucket: string;
  readonly prefix: string;
  /** Only keys after this one. */
  readonly after?: string | undefined;
  /** A key that exists: a listing that ends before it is not believed. */
  readonly reaches?: string | undefined;
  /** Keys in a page. */
  readonly keysMax: number;
}

/**
 * The pages of a listing, one request for each, asked for when its turn comes. `what` is for messages.
 *
 * Goes on by the store's continuation token, or after the last key where it gives none.
 */
export async function* listPages(
  getPage: (request: PageRequest) => Promise<Page>,
  { bucket, prefix, after: first, reaches, keysMax }: Walk,
  what: string,
): AsyncGenerator<readonly Listed[], void> {
  let after = first;
  let token: string | undefined;
  let emptyPages = 0;
  for (;;) {
    const page = await getBelievable(getPage, { bucket, prefix, keysMax, after, token, reaches }, what);
    yield page.objects;
    if (!page.more) return;
    emptyPages = page.objects.length === 0 ? emptyPages + 1 : 0;
    if (emptyPages > EMPTY_PAGES_MAX) {
      throw new BlockError('UNAVAILABLE', `${what}: ${emptyPages} pages in a row have no keys`);
    }
    after = page.objects.at(-1)?.key ?? after;
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
