import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { checkPage, type PageRequest } from './list-page.js';
import { listPages } from './list-pages.js';

/** A store that gives these pages of keys, in this order, with a token for the next one unless it has none. */
function storeOf(pages: readonly (readonly string[])[], hasTokens = true) {
  const requests: PageRequest[] = [];
  const getPage = async (request: PageRequest) => {
    requests.push(request);
    const { token, after = '' } = request;
    const number = token === undefined ? pages.findIndex((keys) => keys.includes(after)) + 1 : Number(token);
    const keys = pages[number] ?? [];
    const more = number + 1 < pages.length;
    const answer: ListObjectsV2CommandOutput = {
      $metadata: {},
      IsTruncated: more,
      KeyCount: keys.length,
      Contents: keys.map((Key) => ({ Key, ETag: '"e"', Size: 1 })),
      ...(more && hasTokens ? { NextContinuationToken: `${number + 1}` } : {}),
    };
    return checkPage(answer, request);
  };
  return { getPage, requests };
}

async function list(
  { getPage }: ReturnType<typeof storeOf>,
  options: { readonly inOrder: boolean; readonly reaches?: string },
): Promise<string[]> {
  const found: string[] = [];
  const walk = { bucket: 'bucket', prefix: 'p/', maxKeys: 2, ...options };
  for await (const page of listPages(getPage, walk, 'LIST')) found.push(...page.map(({ key }) => key));
  return found;
}

describe('a listing in any order', () => {
  const pages = [['p/c', 'p/a'], ['p/d', 'p/b'], ['p/e']];

  test('has the keys as they come, a page after the other by its token', async () => {
    const store = storeOf(pages);
    expect(await list(store, { inOrder: false })).toEqual(['p/c', 'p/a', 'p/d', 'p/b', 'p/e']);
    expect(store.requests.map(({ token }) => token)).toEqual([undefined, '1', '2']);
  });

  test.each(['p/a', 'p/b', 'p/e'])('is believed if %s is wherever in it', async (reaches) => {
    expect(await list(storeOf(pages), { inOrder: false, reaches })).toHaveLength(5);
  });

  test.each(['p/0', 'p/f'])('is CORRUPT without %s, which exists, after it was asked for again', async (reaches) => {
    await expect(list(storeOf(pages), { inOrder: false, reaches })).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  test('cannot go on from a store that does not say where', async () => {
    await expect(list(storeOf(pages, false), { inOrder: false })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('that has a key twice in a page is CORRUPT', async () => {
    await expect(list(storeOf([['p/a', 'p/a']]), { inOrder: false })).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});

describe('a listing in order', () => {
  test('is UNSUPPORTED from a store that has none', async () => {
    await expect(list(storeOf([['p/c', 'p/a']]), { inOrder: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('goes on after the last key where the store gives no token', async () => {
    const store = storeOf([['p/a', 'p/b'], ['p/c']], false);
    expect(await list(store, { inOrder: true, reaches: 'p/c' })).toEqual(['p/a', 'p/b', 'p/c']);
    expect(store.requests.map(({ after }) => after)).toEqual([undefined, 'p/b']);
  });

  test('is CORRUPT if it ends before a key that exists', async () => {
    await expect(list(storeOf([['p/a']]), { inOrder: true, reaches: 'p/b' })).rejects.toMatchObject({
      code: 'CORRUPT',
    });
  });
});
