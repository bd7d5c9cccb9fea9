import { type BlockDevice, OPERATIONS } from '@blockyard/block';
import { withDelay, withFaults } from '@blockyard/layers';
import type { WireState } from './calls.js';

/** What a wire lets through, and when, may be changed at any time. */
export interface Wire {
  readonly device: BlockDevice;
  set(state: WireState): void;
}

/** The base at the end of a wire. What it is asked for while the wire is cut waits, and is done later; so is the end. */
export function withWire(base: BlockDevice, initial: WireState): Wire {
  let state = initial;
  const delayed = withDelay(base, { latencyMs: () => state.latencyMs });
  const device = withFaults(delayed, {
    rules: [{ action: 'hang', operation: [...OPERATIONS], when: () => state.isCut }],
  });
  return {
    device,
    set(next) {
      state = next;
      if (!next.isCut) device.faults.release();
    },
  };
}
