import { type Clock, invariant } from '@blockyard/block';
import type { VerifiedDevice } from '../model/verified-device.js';
import { Crew, type WorkloadCounts } from './crew.js';
import type { Workload } from './workload.js';

/** Workloads that were ended and have steps that still wait for the device, at most. */
const LEFT_MAX = 4;

export interface RunnerOptions {
  readonly sizeSectors: number;
  readonly clock: Clock;
  readonly seed: number;
  readonly onFailure: (error: unknown) => void;
}

/** Does one workload at a time to a device that may be replaced. */
export class WorkloadRunner {
  readonly counts: WorkloadCounts = { reads: 0, writes: 0, flushes: 0, failed: 0, inFlight: 0 };
  readonly #options: RunnerOptions;
  #workload: Workload;
  #device: VerifiedDevice | undefined;
  #crew: Crew | undefined;
  readonly #left = new Set<Crew>();
  ratePerSecond: number;

  /** It begins with `resume`. */
  constructor(workload: Workload, ratePerSecond: number, options: RunnerOptions) {
    this.#workload = workload;
    this.ratePerSecond = ratePerSecond;
    this.#options = options;
  }

  get workload(): Workload {
    return this.#workload;
  }

  /** Whether another workload may begin: not too many of those before wait for the device. */
  get canChange(): boolean {
    return this.#left.size < LEFT_MAX;
  }

  /** Begins another workload, without waiting for what the one before has begun. */
  change(workload: Workload): void {
    invariant(this.canChange, 'few workloads wait for the device');
    this.#workload = workload;
    if (this.#device !== undefined) this.resume(this.#device);
  }

  /** Begins nothing from now on, until `resume`. Resolves when all that was begun has ended. */
  async pause(): Promise<void> {
    this.#device = undefined;
    this.#dismiss();
    await Promise.all([...this.#left].map((crew) => crew.ended));
  }

  /** Does the workload to this device. */
  resume(device: VerifiedDevice): void {
    this.#dismiss();
    this.#device = device;
    this.#crew = new Crew(this.#workload, {
      ...this.#options,
      device,
      counts: this.counts,
      ratePerSecond: () => this.ratePerSecond,
    });
  }

  #dismiss(): void {
    const crew = this.#crew;
    if (crew === undefined) return;
    this.#crew = undefined;
    this.#left.add(crew);
    crew.end();
    crew.ended.then(() => this.#left.delete(crew));
  }
}
