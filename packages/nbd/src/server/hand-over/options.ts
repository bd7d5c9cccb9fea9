import type { ChildProcess } from 'node:child_process';
import {
  type BlockDevice,
  BlockError,
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptionNames,
  type KnownOptions,
} from '@blockyard/block';

/**
 * What a hand-over is about at a moment. `starting`: the successor loads what it needs; `preparing`: both of them do what need not be
 * done in the pause; `pausing`: clients wait until what they asked is answered and the devices are disconnected; `opening`: they wait
 * for the successor; `confirming`: it has them, and is to say that it serves them.
 */
export type HandOverStep = 'starting' | 'preparing' | 'pausing' | 'opening' | 'confirming';

/** Options of `NbdServer.handOver`. */
export interface HandOverOptions {
  /**
   * The process that takes over by `adoptNbd`: started with `serialization: 'advanced'` and, in its `stdio`, `'ipc'` and the server's
   * `fd`. It is killed if it fails.
   */
  readonly successor: ChildProcess;
  /** Opens the device of an export again. Called if the successor fails when the device was disconnected. */
  readonly reopen: (exportName: string) => Promise<BlockDevice>;
  /**
   * Called up to three times while clients are served, again where it or the successor's catching up behind it took long: for what a device has to do before it
   * can be disconnected soon. Default: nothing.
   */
  readonly prepare?: () => Promise<void>;
  /** Told of each step that begins. Default: no one is told. */
  readonly onStep?: (step: HandOverStep) => void;
  /** Only sees whether the successor becomes ready. Default: false. */
  readonly dryRun?: boolean;
  /**
   * How long each step may take that is made while clients are served, in milliseconds: until the successor is ready, a call of
   * `prepare`, a catching up with it, a flush. Default: 60,000.
   */
  readonly readyTimeoutMs?: number;
  /**
   * How long clients may wait for the hand-over, in milliseconds, until it is given up, and how long the successor may take from there
   * until it serves. Default: 10,000.
   */
  readonly pauseTimeoutMs?: number;
  /**
   * How long the successor waits for a client that is slow to take the replies it has from this server, in milliseconds, until
   * that client is cut off. Other clients do not wait. Default: 30,000.
   */
  readonly slowClientTimeoutMs?: number;
}

/** The options, complete and checked. */
export type CheckedHandOver = Required<HandOverOptions>;

const DEFAULTS = {
  prepare: async () => {},
  onStep: () => {},
  dryRun: false,
  readyTimeoutMs: 60_000,
  pauseTimeoutMs: 10_000,
  slowClientTimeoutMs: 30_000,
};

/** A list that does not compile when an option is missing from it. */
const KNOWN: KnownOptions<HandOverOptions> = {
  successor: true,
  reopen: true,
  prepare: true,
  onStep: true,
  dryRun: true,
  readyTimeoutMs: true,
  pauseTimeoutMs: true,
  slowClientTimeoutMs: true,
};

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkHandOver(options: HandOverOptions): CheckedHandOver {
  checkOptionNames(options, KNOWN);
  const checked = { ...DEFAULTS, ...options };
  checkFunction(checked.reopen, 'reopen');
  checkFunction(checked.prepare, 'prepare');
  checkFunction(checked.onStep, 'onStep');
  checkBoolean(checked.dryRun, 'dryRun');
  for (const name of ['readyTimeoutMs', 'pauseTimeoutMs', 'slowClientTimeoutMs'] as const)
    checkInteger(checked[name], name);
  if (typeof checked.successor?.send !== 'function') {
    throw new BlockError('INVALID_ARGUMENT', "successor must be a child process with 'ipc' in its stdio");
  }
  return checked;
}
