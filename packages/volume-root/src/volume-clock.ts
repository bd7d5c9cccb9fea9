import { type Clock, systemClock } from '@blockyard/block';

/** Time for an open volume. */
export interface VolumeClock extends Clock {
  /** Milliseconds since 1970, as the machine has them: they may jump. Left out: there are none, and only `now` counts. */
  wallMs?(): number;
  /** Keeps a timer from keeping the process alive. */
  unref?(timer: unknown): void;
}

/** The clocks of this machine. */
export const systemVolumeClock: VolumeClock = {
  ...systemClock,
  wallMs: () => Date.now(),
  unref: (timer) => (timer as NodeJS.Timeout).unref(),
};

/** What `work` gives, or undefined if that takes longer. */
export async function atMost<T>(clock: Clock, delayMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: unknown;
  const late = new Promise<undefined>((resolve) => {
    timer = clock.set(() => resolve(undefined), delayMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clock.clear(timer);
  }
}

/** For people: the root says since when it is held. */
export function timeStamp(clock: VolumeClock): string {
  return new Date(clock.wallMs?.() ?? Date.now()).toISOString();
}
