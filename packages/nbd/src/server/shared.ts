import type { Clock } from '@blockyard/block';
import type { ServerEvent } from './events.js';
import type { Exports } from './exports/exports.js';
import type { BusyPoll } from './fairness/busy-poll.js';
import type { Pace } from './fairness/pace.js';
import type { Budget } from './memory/budget.js';
import type { BufferPool } from './memory/buffer-pool.js';
import type { Limits } from './options.js';
import type { Counters } from './stats.js';
import type { TlsUpgrade } from './tls.js';

/** What the connections of a server share. */
export interface Shared {
  readonly exports: Exports;
  readonly limits: Limits;
  readonly tls: TlsUpgrade | undefined;
  readonly budget: Budget;
  readonly pool: BufferPool;
  readonly pace: Pace;
  readonly busyPoll: BusyPoll;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly onEvent: (event: ServerEvent) => void;
}
