import { ManualClock } from '@blockyard/block/testing';
import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { FaultyStore } from '@blockyard/object-store/faults';
import type { VolumeClock } from '@blockyard/volume-root';
import { type ConnectLogOptions, connectLog, type LogDevice } from '../index.js';

const START_MS = Date.UTC(2026, 0, 1);

/** Time that a test drives, on the steady clock and on the wall alike. */
export class TestClock extends ManualClock implements VolumeClock {
  wallMs(): number {
    return START_MS + this.nowMs;
  }
}

/** A store in memory that processes share, each through a handle of its own. */
export class Bucket {
  readonly objects: MemoryObjects;
  readonly clock: TestClock;

  constructor(objects: MemoryObjects = new Map(), clock = new TestClock()) {
    this.objects = objects;
    this.clock = clock;
  }

  /** The handle of a new process. */
  process(): FaultyStore {
    return new FaultyStore(new MemoryStore({ objects: this.objects, wallMs: () => this.clock.wallMs() }));
  }

  /** The same objects in a bucket of its own. */
  copy(): Bucket {
    const clock = new TestClock({ nowMs: this.clock.nowMs });
    return new Bucket(new Map(this.objects), clock);
  }

  at(prefix = 'disk', store = this.process()): { readonly store: FaultyStore; readonly prefix: string } {
    return { store, prefix };
  }

  /** Opens the volume in a new process, which is over when it has no more use: its timers are those of the bucket's clock. */
  connect(options: Partial<ConnectLogOptions> = {}): Promise<LogDevice> {
    const { store = this.process(), prefix = 'disk' } = options;
    return connectLog({ minDeleteDelayMs: 0, clock: this.clock, ...options, store, prefix });
  }

  keys(part: string): string[] {
    return [...this.objects.keys()].filter((key) => key.includes(part)).sort();
  }
}

/** What is left of a process that died. */
export interface Death {
  /** Resolves at its last request. */
  readonly died: Promise<void>;
  readonly isDead: () => boolean;
}

/**
 * The process dies at its request of that number, from 1, which was carried out or not. What it asks for later is not, and is
 * never answered.
 */
export function dieAt(store: FaultyStore, request: number, isCarriedOut: boolean): Death {
  let left = request;
  let die = () => {};
  let isDead = false;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  store.onRequest = () => {
    left--;
    if (left > 0) return undefined;
    if (left < 0) return { kind: 'hold', until: new Promise(() => {}) };
    isDead = true;
    die();
    return { kind: 'lose', carriedOut: isCarriedOut ? 'before' : 'never' };
  };
  return { died, isDead: () => isDead };
}

/** A promise, and what resolves it. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
