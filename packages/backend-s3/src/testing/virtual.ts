import { Random, VirtualTime } from '@blockyard/conformance/simulator';

/** Turns of the event loop after which nothing is left to happen by itself. */
const TURNS_TO_REST = 8;

/** Time that passes as fast as it can while something is waited for. */
export class TestTime extends VirtualTime {
  constructor() {
    super(new Random(1));
  }

  /** What `promise` comes to, with all timers that are due before called in their order. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    for (;;) {
      await rest();
      if (isSettled) return promise;
      if (!this.step()) throw new Error('nothing is left to happen, and still it is not settled');
    }
  }

  /** Lets `ms` pass. */
  pass(ms: number): Promise<void> {
    return this.until(this.sleep(ms));
  }
}

/** Lets everything happen that waits for no timer. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_REST; turn++) await new Promise((resolve) => setImmediate(resolve));
}
