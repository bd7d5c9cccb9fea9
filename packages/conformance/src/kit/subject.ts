import type { BlockDevice } from '@blockyard/block';
import type { CombinationOptions } from '../bases/combinations.js';
import type { Shape } from '../bases/shape.js';

/** One stored volume of a test. */
export interface Volume {
  /** Opens a device on the volume. A persistent one can be opened again after a disconnect and has its data. */
  connect(options?: { readonly readOnly?: boolean }): Promise<BlockDevice>;
  /** Frees what `create` made (files, objects). Called after the device was disconnected. */
  dispose(): Promise<void>;
  /**
   * The states that a crash at this moment may leave [D5], or `maxStates` of them, each as a volume of its own that shares
   * nothing with this one or with another state. Called while a device is open and operations are in flight: what is stored
   * and what is on its way at the moment of the call is what counts. Of what is on its way, each part may have been carried out,
   * or not, or may come later: then `connect` carries it out once it has opened the device. Left out: crashes are tried by giving
   * the device up, and `persistent` volumes are opened again.
   */
  crashStates?(options: CombinationOptions): readonly Volume[];
}

/** What is put to the test. */
export interface Subject {
  readonly name: string;
  /** Makes a new volume that reads as zeroes. */
  create(shape: Shape): Promise<Volume>;
  /** Contents survive `disconnect` + `connect`. */
  readonly persistent: boolean;
  /**
   * After a crash a volume holds the result of a prefix of the accepted writes, in their order [D5]. Default: false, and then
   * no case looks at that order.
   */
  readonly prefixConsistent?: boolean;
  /** `connect({ readOnly: true })` works. Default: true. */
  readonly readOnly?: boolean;
  /** Default: [512, 4096, 65536]. */
  readonly sectorSizes?: readonly number[];
  /** Default: true. False for what cannot be resized; then `resize` must reject with `UNSUPPORTED`. */
  readonly resizable?: boolean;
  /**
   * Sectors of an empty volume, far larger than memory, that `create` can make at no cost. With it the kit looks for offsets
   * truncated to 32 bits and for zeroing whose cost grows with what was zero already. Left out: those cases are left out.
   */
  readonly hugeSectors?: number;
  /** A volume can take one write of 2 GiB: the time, and the space. Default: false, and then that case is left out. */
  readonly longWrites?: boolean;
  /**
   * For devices over a device: puts the subject over a base of the kit's own, which the kit then holds up and makes fail.
   * Sector `n` of the result is sector `n` of the base, and the result owns the base: its disconnect is the base's. Left out:
   * those cases are left out.
   */
  wrap?(base: BlockDevice): Promise<BlockDevice>;
}

/** Where the cases go: vitest's, node:test's or mocha's `describe` and `test`. */
export interface Runner {
  /** Heads the cases that `body` registers, now. */
  describe(title: string, body: () => void): void;
  /**
   * Where `body` is called as runners call theirs, with a context that has a `skip`, what is not run is reported as that.
   *
   * @param timeoutMs later than any failure of the kit's own, for runners with time-outs
   */
  test(title: string, body: () => Promise<void>, timeoutMs: number): void;
}

/** Seeds and bounds of a run of the kit; for {@link conformance}. */
export interface ConformanceOptions {
  /** Seed of the random workloads. A failure prints the one that it used. Default: another one each time. */
  readonly seed?: number;
  /** Random workloads per property and sector size. Default: 20. */
  readonly runs?: number;
  /** Milliseconds after which a case, or a random workload, that has not settled counts as hung [O2]. Default: 30,000. */
  readonly deadlineMs?: number;
  /**
   * Milliseconds for which the kit keeps looking after an operation has settled, in case more of it comes later [B3, O1, D2]. A
   * driver with time-outs or retries of its own needs more than those. Default: 200.
   */
  readonly watchMs?: number;
}

/** Defaults of {@link ConformanceOptions}. */
export const RUNS = 20;
export const DEADLINE_MS = 30_000;
export const WATCH_MS = 200;

/** The sector sizes that the kit runs at, in bytes, if the subject names no others. */
export const SECTOR_SIZES = [512, 4096, 65_536] as const;
