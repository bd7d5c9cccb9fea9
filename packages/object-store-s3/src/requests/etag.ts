import { BlockError } from '@blockyard/block';

/** How a store wants an ETag written in a condition: `"abc"` as RFC 9110 has it, `abc`, or `W/"abc"`. */
export type EtagForm = 'quoted' | 'bare' | 'weak';

/** The forms in the order in which they are tried. Ceph up to 18 wants `bare`. */
export const ETAG_FORMS: readonly EtagForm[] = ['quoted', 'bare', 'weak'];

/** As most stores write all of theirs. */
const CANONICAL = /^"[^"\s]+"$/;

/**
 * An ETag in one form, whichever way a store or a proxy writes it: `"abc"`. Some leave out the quotes, in listings above all,
 * and a proxy may make `W/"abc"` of it in one answer and not in the next, while the version is the same.
 *
 * Throws `UNSUPPORTED` if there is none.
 */
export function canonicalEtag(etag: string | undefined, message: string): string {
  if (etag !== undefined && CANONICAL.test(etag)) return etag;
  const value = bareEtag(etag ?? '');
  if (value === '') throw new BlockError('UNSUPPORTED', message);
  return `"${value}"`;
}

/** A canonical ETag as the store wants it in conditions. */
export function conditionEtag(etag: string, form: EtagForm): string {
  if (form === 'quoted') return etag;
  return form === 'bare' ? bareEtag(etag) : `W/${etag}`;
}

function bareEtag(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
}
