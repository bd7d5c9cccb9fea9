import { ManualClock } from '@blockyard/block/testing';
import type { VolumeClock } from '../volume-clock.js';

const START_MS = Date.UTC(2026, 0, 1);

/** Time that a test drives, on the steady clock and on the wall alike. */
export class TestClock extends ManualClock implements VolumeClock {
  wallMs(): number {
    return START_MS + this.nowMs;
  }
}
