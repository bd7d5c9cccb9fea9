import type { Fields } from '../format/bytes.js';
import { type Geometry, SUBCLUSTERS, TABLE_ENTRY_BYTES, type TablePlace } from '../format/geometry.js';
import { type Cluster, clusterIn, hasSubcluster, l2OffsetIn, type SubclusteredCluster } from '../format/l2-entry.js';
import type { ByteReader } from './byte-reader.js';
import { type Run, RunList } from './run.js';
import { Tables } from './tables.js';

/** What a map is made of. */
export interface ClusterMapOptions {
  readonly version: 2 | 3;
  readonly geometry: Geometry;
  readonly l1: TablePlace;
  /** Bytes of tables that are kept, at most. */
  readonly maxTableBytes: number;
}

/** What is known of the beginning of a range. */
export interface Mapped {
  /** They cover the range from its start to `end`, in order. */
  readonly runs: readonly Run[];
  readonly end: number;
}

/** Tells where the bytes of the disk are in the image, from its two levels of tables. */
export class ClusterMap {
  readonly #reader: ByteReader;
  readonly #tables: Tables;
  readonly #options: ClusterMapOptions;

  constructor(reader: ByteReader, options: ClusterMapOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#tables = new Tables(reader, options.geometry.clusterBytes, options.maxTableBytes);
  }

  /** Where the bytes from `start` on are: up to `end`, or as far as one page of a table tells. Rejects with `CORRUPT`. */
  async map(start: number, end: number): Promise<Mapped> {
    const { geometry, l1 } = this.#options;
    const { bytesPerL2 } = geometry;
    const index = Math.floor(start / bytesPerL2);
    const bytes = l1.entries * TABLE_ENTRY_BYTES;
    const page = await this.#tables.page(l1.offset, bytes, TABLE_ENTRY_BYTES, index, 'the L1 table');
    const offsetOf = (at: number) => l2OffsetIn(page.fields, (at - page.first) * TABLE_ENTRY_BYTES, geometry, at);
    const l2Offset = offsetOf(index);
    if (l2Offset !== 0) return this.#mapL2(l2Offset, index, start, end);
    let next = index + 1;
    while (next < page.first + page.entries && next * bytesPerL2 < end && offsetOf(next) === 0) next++;
    const mappedEnd = Math.min(next * bytesPerL2, end);
    return { runs: [{ kind: 'absent', start, length: mappedEnd - start }], end: mappedEnd };
  }

  clear(): void {
    this.#tables.clear();
  }

  async #mapL2(l2Offset: number, l1Index: number, start: number, end: number): Promise<Mapped> {
    const { version, geometry } = this.#options;
    const { clusterBytes, bytesPerL2, l2EntryBytes } = geometry;
    const diskOffset = l1Index * bytesPerL2;
    const first = Math.floor((start - diskOffset) / clusterBytes);
    const page = await this.#tables.page(l2Offset, clusterBytes, l2EntryBytes, first, `L2 table ${l1Index}`);
    const list = new RunList();
    let at = start;
    for (let index = first; index < page.first + page.entries && at < end; index++) {
      const where = () => `entry ${index} of L2 table ${l1Index}, at byte ${l2Offset},`;
      const clusterStart = diskOffset + index * clusterBytes;
      const clusterEnd = Math.min(clusterStart + clusterBytes, end);
      const fieldsAt = (index - page.first) * l2EntryBytes;
      const cluster = this.#clusterIn(page.fields, fieldsAt, version, geometry, where);
      this.#addRuns(list, cluster, { clusterStart, start: at, end: clusterEnd }, where);
      at = clusterEnd;
    }
    return { runs: list.runs, end: at };
  }

  #clusterIn(fields: Fields, at: number, version: 2 | 3, geometry: Geometry, where: () => string): Cluster {
    const cluster = clusterIn(fields, at, version, geometry, where);
    if (cluster.kind === 'compressed') {
      this.#reader.check(cluster.offset, cluster.lengthBytes, `${where()} is of a compressed cluster, which`);
    }
    return cluster;
  }

  #addRuns(list: RunList, cluster: Cluster, range: ClusterRange, where: () => string): void {
    const { clusterStart, start, end } = range;
    const length = end - start;
    if (cluster.kind === 'subclusters') this.#addSubclusters(list, cluster, range, where);
    else if (cluster.kind === 'compressed') list.add({ kind: 'compressed', cluster, start, length });
    else if (cluster.kind === 'plain') this.#addPlain(list, cluster.offset + start - clusterStart, start, end, where);
    else list.add({ kind: cluster.kind, start, length });
  }

  #addSubclusters(list: RunList, cluster: SubclusteredCluster, range: ClusterRange, where: () => string): void {
    const { clusterStart, start, end } = range;
    const { subclusterBytes } = this.#options.geometry;
    for (let index = Math.floor((start - clusterStart) / subclusterBytes); index < SUBCLUSTERS; index++) {
      const from = Math.max(start, clusterStart + index * subclusterBytes);
      const to = Math.min(end, clusterStart + (index + 1) * subclusterBytes);
      if (from >= to) break;
      if (hasSubcluster(cluster.plain, index)) {
        this.#addPlain(list, cluster.offset + from - clusterStart, from, to, where);
      } else {
        list.add({ kind: hasSubcluster(cluster.zero, index) ? 'zero' : 'absent', start: from, length: to - from });
      }
    }
  }

  #addPlain(list: RunList, offset: number, start: number, end: number, where: () => string): void {
    this.#reader.check(offset, end - start, `${where()} is of data, which`);
    list.add({ kind: 'plain', offset, start, length: end - start });
  }
}

/** The part of a cluster that is asked for. */
interface ClusterRange {
  readonly clusterStart: number;
  readonly start: number;
  readonly end: number;
}
