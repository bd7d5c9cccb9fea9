/** What a device does before an upgrade, and when that is given up. */
export interface Leaving {
  readonly prepareToLeave: () => Promise<void>;
  readonly stay: () => void;
}

/**
 * All of them as one: they prepare one after the other. A `stay` holds for those that are preparing too, and those that come after
 * do not begin.
 */
export function leavingOf(parts: readonly Leaving[]): Leaving {
  let isLeaving = false;
  return {
    prepareToLeave: async () => {
      isLeaving = true;
      for (const { prepareToLeave, stay } of parts) {
        if (!isLeaving) return;
        try {
          await prepareToLeave();
        } finally {
          // What it did after it was told to stay is undone.
          if (!isLeaving) stay();
        }
      }
    },
    stay: () => {
      isLeaving = false;
      for (const { stay } of parts) stay();
    },
  };
}
