/** The kit in a worker, on volumes that it opens itself, and on the cache over them. */
import { connectCache } from '@blockyard/cache';
import { connectOpfs, createOpfs, deleteOpfs, listOpfs } from '../index.js';
import { runCases } from './run-cases.js';
import { opfsSubject, type SubjectFacts } from './subject.js';

/** What the worker is asked. */
export interface KitRequest {
  readonly facts: SubjectFacts;
  /** With the cache over the device. */
  readonly cached: boolean;
  readonly seed: number;
}

const scope = globalThis as unknown as {
  onmessage: (event: { readonly data: KitRequest }) => void;
  postMessage(message: unknown): void;
};

const opfs = { create: createOpfs, connect: connectOpfs, list: listOpfs, delete: deleteOpfs };

const cachedOpfs = {
  ...opfs,
  connect: async (options: Parameters<typeof connectOpfs>[0]) =>
    connectCache(await connectOpfs(options), { maxSizeBytes: 1 << 20 }),
};

scope.onmessage = async ({ data: { facts, cached, seed } }) => {
  scope.postMessage(await runCases(opfsSubject(facts, cached ? cachedOpfs : opfs), seed));
};
