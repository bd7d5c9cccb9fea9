/** Where the laboratory's volume lies, and what is before it. */
export interface Setup {
  readonly backend: LabBackend;
  /** Of a file or a store: what is written lies where it belongs, or one behind the other. */
  readonly layout: Layout;
  readonly hasCache: boolean;
  readonly cacheBytes: number;
}

export type LabBackend = 'memory' | 'file' | 's3';
export type Layout = 'chunks' | 'log';

const MIB = 2 ** 20;

/** What a cache may be set to. */
export const CACHE_BYTES = { min: 2 * MIB, max: 64 * MIB, step: MIB } as const;
export const LATENCY_MS = { min: 0, max: 400, step: 5 } as const;
/** Reads and writes a second. */
export const RATE = { min: 10, max: 1000, step: 10 } as const;

/** What the laboratory begins with. */
export const FIRST_SETUP: Setup = { backend: 's3', layout: 'log', hasCache: true, cacheBytes: 16 * MIB };
export const FIRST_LATENCY_MS = 20;
export const FIRST_RATE = 200;

/** Whether there are snapshots of it. */
export function hasPast({ backend, layout }: Setup): boolean {
  return backend !== 'memory' && layout === 'log';
}
