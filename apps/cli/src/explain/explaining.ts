import type { BlockDevice } from '@blockyard/block';
import { recordRequests, type Top } from './recorder.js';
import { Slowest } from './slowest.js';

/** Wraps devices so that their requests are explained, and keeps the slowest of the last minutes. */
export class Explaining {
  readonly slowest = new Slowest();
  readonly #wrap: (device: BlockDevice) => BlockDevice;
  readonly #end: () => void;
  /** Names of the devices whose operations are those of clients. */
  readonly #tops = new Map<string, Top>();

  private constructor(wrap: (device: BlockDevice) => BlockDevice, nowMs: () => number) {
    this.#wrap = wrap;
    this.#end = recordRequests({
      topOf: ({ device }) => this.#tops.get(device),
      onEnd: (request) => this.slowest.add(request),
      nowMs,
    });
  }

  static async begin(nowMs = () => performance.now()): Promise<Explaining> {
    // Loaded only where it is used.
    const { withTracing } = await import('@blockyard/layers/tracing');
    return new Explaining((device) => withTracing(device), nowMs);
  }

  /** The device below a cache. */
  readonly below = (device: BlockDevice): BlockDevice => this.#wrap(device);

  /** What clients use. `hasBase`: it is a cache over what `below` gave. What it has beyond the contract it keeps. */
  top<D extends BlockDevice>(device: D, { hasBase }: { readonly hasBase: boolean }): D {
    const { name } = device.info;
    this.#tops.set(name, { volume: name, hasBase });
    const top = this.#wrap(device);
    const own = Object.entries(device).filter(([name]) => !(name in top));
    return Object.assign(top, Object.fromEntries(own)) as D;
  }

  end(): void {
    this.#end();
  }
}
