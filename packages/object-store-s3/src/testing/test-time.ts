import { ManualClock, settled } from '@blockyard/block/testing';

/** Time that passes as fast as it can while something is waited for. */
export class TestTime extends ManualClock {
  /** What `promise` comes to, with all timers that are due before called in their order. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const note = () => {
      isSettled = true;
    };
    promise.then(note, note);
    for (;;) {
      await settled();
      if (isSettled) return promise;
      if (this.timers.length === 0) throw new Error('nothing is left to happen, and still it is not settled');
      this.advance(Math.min(...this.dueMs) - this.now());
    }
  }

  /** Lets `ms` pass. */
  pass(ms: number): Promise<void> {
    return this.until(this.sleep(ms));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.set(resolve, ms);
    });
  }
}
