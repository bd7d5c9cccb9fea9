import { type BlockDevice, type Clock, type Extent, sliceBuffers } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Header } from '../format/header.js';
import { ByteReader } from './byte-reader.js';
import { ClusterMap } from './cluster-map.js';
import { CompressedClusters } from './compressed-clusters.js';
import type { View } from './open-image.js';
import type { Run } from './run.js';
import { ZeroRuns } from './zero-runs.js';

/** Runs of one read that are fetched at once. */
const RUNS_IN_FLIGHT_MAX = 8;

/** Looks at a page of a table or at the image below, and extents, of one answer at most. What lies behind is called data. */
const EXTENT_LOOKS_MAX = 65_536;
const EXTENTS_MAX = 65_536;

export interface ImageReaderOptions {
  readonly header: Header;
  readonly view: View;
  readonly maxTableBytes: number;
  readonly maxClusterBytes: number;
  readonly clock: Clock;
}

/** Reads the disk that an image holds, with what lies below it. */
export class ImageReader {
  readonly #image: ByteReader;
  readonly #map: ClusterMap;
  readonly #clusters: CompressedClusters;
  readonly #clusterBytes: number;
  readonly #sizeBytes: number;
  readonly #backing: BlockDevice | undefined;
  readonly #backingReader: ByteReader | undefined;

  constructor(image: ByteReader, backing: BlockDevice | undefined, options: ImageReaderOptions) {
    const { header, view, maxTableBytes, maxClusterBytes, clock } = options;
    const { version, geometry, compression } = header;
    const { clusterBytes } = geometry;
    this.#image = image;
    this.#map = new ClusterMap(image, { version, geometry, l1: view.l1, maxTableBytes });
    this.#clusters = new CompressedClusters(image, { compression, clusterBytes, maxClusterBytes, clock });
    this.#clusterBytes = clusterBytes;
    this.#sizeBytes = view.sizeBytes;
    this.#backing = backing;
    this.#backingReader = backing === undefined ? undefined : new ByteReader(backing);
  }

  /** Fills the buffers with the bytes from `start` on; those past the end of the disk are zero. */
  async read(start: number, buffers: readonly Uint8Array[], length: number, throwIfStopped: () => void): Promise<void> {
    const end = Math.max(start, Math.min(start + length, this.#sizeBytes));
    const viewsOf = (from: number, bytes: number) => sliceBuffers(buffers, from - start, bytes);
    for (const view of viewsOf(end, start + length - end)) view.fill(0);
    const options = { maxConcurrency: RUNS_IN_FLIGHT_MAX, throwIfStopped };
    await forEachParallel(this.#runs(start, end), options, (run) => this.#fill(run, viewsOf(run.start, run.length)));
  }

  /** What is known to be zero of the sectors from `start` on, through all that lies below. */
  async extents(start: number, count: number, sectorSize: number, throwIfStopped: () => void): Promise<Extent[]> {
    const zeroes = new ZeroRuns(start, count, sectorSize);
    const startBytes = start * sectorSize;
    const end = Math.max(startBytes, Math.min((start + count) * sectorSize, this.#sizeBytes));
    let looks = 0;
    const isEnough = () => looks >= EXTENT_LOOKS_MAX || zeroes.extents >= EXTENTS_MAX;
    for (let at = startBytes; at < end && !isEnough(); looks++) {
      throwIfStopped();
      const mapped = await this.#map.map(at, end);
      for (const run of mapped.runs) {
        if (isEnough()) break;
        if (run.kind === 'zero') zeroes.add(run.start, run.start + run.length);
        if (run.kind !== 'absent') continue;
        await this.#addBelow(run, zeroes);
        looks++;
      }
      at = mapped.end;
    }
    zeroes.add(end, (start + count) * sectorSize);
    return zeroes.end();
  }

  clear(): void {
    this.#map.clear();
    this.#clusters.clear();
  }

  async *#runs(start: number, end: number): AsyncGenerator<Run> {
    for (let at = start; at < end; ) {
      const mapped = await this.#map.map(at, end);
      yield* mapped.runs;
      at = mapped.end;
    }
  }

  async #fill(run: Run, views: readonly Uint8Array[]): Promise<void> {
    if (run.kind === 'plain') return this.#image.readInto(run.offset, views, 'data');
    if (run.kind === 'compressed') {
      const cluster = await this.#clusters.read(run.cluster);
      return copyInto(views, cluster, run.start % this.#clusterBytes);
    }
    const below = run.kind === 'absent' ? this.#backingReader : undefined;
    const presentBytes = Math.max(0, Math.min(run.length, (below?.sizeBytes ?? 0) - run.start));
    for (const view of sliceBuffers(views, presentBytes, run.length - presentBytes)) view.fill(0);
    if (presentBytes === 0) return;
    await below?.readInto(run.start, sliceBuffers(views, 0, presentBytes), 'data of the backing file');
  }

  /** What the image below knows to be zero of a run, and what lies past its end. */
  async #addBelow({ start, length }: Run, zeroes: ZeroRuns): Promise<void> {
    const backing = this.#backing;
    const end = start + length;
    const presentEnd = Math.max(start, Math.min(end, this.#backingReader?.sizeBytes ?? 0));
    if (backing !== undefined && start < presentEnd) {
      const { sectorSize } = backing.info;
      const first = Math.floor(start / sectorSize);
      const count = Math.ceil(presentEnd / sectorSize) - first;
      for (const extent of await backing.extents(first, count)) {
        const [from, to] = [extent.start * sectorSize, (extent.start + extent.count) * sectorSize];
        if (extent.type === 'zero') zeroes.add(Math.max(from, start), Math.min(to, presentEnd));
      }
    }
    zeroes.add(presentEnd, end);
  }
}

function copyInto(views: readonly Uint8Array[], source: Uint8Array, offset: number): void {
  let at = offset;
  for (const view of views) {
    view.set(source.subarray(at, at + view.byteLength));
    at += view.byteLength;
  }
}
