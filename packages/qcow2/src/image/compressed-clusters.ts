import type { Clock } from '@blockyard/block';
import { Semaphore, type Yielder, yielderOf } from '@blockyard/block/async';
import { inflateCluster } from '../compression/inflate.js';
import { zstdClusters } from '../compression/zstd.js';
import { corrupt } from '../format/bytes.js';
import type { Compression } from '../format/header.js';
import type { CompressedCluster } from '../format/l2-entry.js';
import type { ByteReader } from './byte-reader.js';
import { BytesCache } from './bytes-cache.js';

/** Clusters that are read and decompressed at once: each takes up to three clusters of memory. */
const MAX_CONCURRENCY = 4;

/** What it takes to decompress a byte, in bytes that could be copied in that time. */
const COST = 16;

export interface CompressedClustersOptions {
  readonly compression: Compression;
  readonly clusterBytes: number;
  /** Bytes of clusters that are kept, at most. */
  readonly maxClusterBytes: number;
  readonly clock: Clock;
}

/** Reads and decompresses clusters, and keeps those that were used last. */
export class CompressedClusters {
  readonly #reader: ByteReader;
  readonly #options: CompressedClustersOptions;
  readonly #cache: BytesCache;
  readonly #permits = new Semaphore(MAX_CONCURRENCY);
  readonly #yielder: Yielder;

  constructor(reader: ByteReader, options: CompressedClustersOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#cache = new BytesCache(options.maxClusterBytes);
    this.#yielder = yielderOf(options.clock);
  }

  /** All of a cluster. Rejects with `CORRUPT` where it cannot be decompressed. */
  async read(cluster: CompressedCluster): Promise<Uint8Array> {
    const load = () => this.#permits.run(() => this.#load(cluster));
    return this.#cache.get(cluster.offset, this.#options.clusterBytes, load);
  }

  clear(): void {
    this.#cache.clear();
  }

  async #load({ offset, lengthBytes }: CompressedCluster): Promise<Uint8Array> {
    const { compression, clusterBytes } = this.#options;
    const source = await this.#reader.read(offset, lengthBytes, 'a compressed cluster');
    const decompress = compression === 'zlib' ? inflateCluster : await zstdClusters();
    try {
      return decompress(source, clusterBytes);
    } catch (cause) {
      throw corrupt(`the compressed cluster at byte ${offset} is damaged`, { cause });
    } finally {
      await this.#yielder.spend(clusterBytes * COST);
    }
  }
}
