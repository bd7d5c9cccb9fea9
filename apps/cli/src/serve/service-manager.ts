import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Clock, errnoOf, systemClock } from '@blockyard/block';
import { messageOf, oneLine } from '../terminal/failure.js';

/** How often the status is told anew, if it has changed. */
const STATUS_EVERY_MS = 5000;
/** While the beginning or the end takes its time, systemd is asked for so much more of it, as often as the status is told. */
const EXTENSION_US = 30_000_000;
/** A service manager that does not answer holds up nothing but what is told next. */
const SEND_TIMEOUT_MS = 10_000;

export interface ServiceManagerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the process took the place of the one that was started as the service. */
  readonly isSuccessor: boolean;
  /** Told if the service manager cannot be told, once until it can be. */
  readonly log: (line: string) => void;
  /** Tells it; the arguments are assignments. Default: by `systemd-notify`. */
  readonly send?: (assignments: readonly string[]) => Promise<unknown>;
  readonly clock?: Clock;
}

/** What systemd knows variables for, of which the last one counts. */
type Messages = Map<string, string>;

/**
 * Tells systemd how a service is: READY=1, STATUS=, STOPPING=1, WATCHDOG=1.
 *
 * systemd listens on a Unix datagram socket, which Node has none of. `systemd-notify` speaks for it: it is there wherever systemd
 * is, needs nothing compiled, and waits until its message was taken, so that systemd knows whose it is. The unit needs
 * `NotifyAccess=all`, since that is another process than the service's own.
 */
export class ServiceManager {
  readonly #log: (line: string) => void;
  readonly #send: NonNullable<ServiceManagerOptions['send']>;
  readonly #clock: Clock;
  readonly #watchdogMs: number | undefined;
  readonly #timers = new Map<() => void, unknown>();
  #status: () => string = () => 'opening the device';
  #isExtending = false;
  #told = '';
  #next: Messages = new Map();
  #sending: Promise<void> | undefined;
  /** The last message did not get there. */
  #isUnheard = false;
  #isOver = false;

  /** Undefined where no service manager wants to be told: then nothing of this runs. */
  static of(options: ServiceManagerOptions): ServiceManager | undefined {
    return options.env.NOTIFY_SOCKET ? new ServiceManager(options) : undefined;
  }

  private constructor({ env, isSuccessor, log, send = notify, clock = systemClock }: ServiceManagerOptions) {
    this.#log = log;
    this.#send = send;
    this.#clock = clock;
    const intervalMs = Number(env.WATCHDOG_USEC) / 1000;
    // It is meant for the process that was started, and for who has taken its place.
    const isOwn = isSuccessor || env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
    this.#watchdogMs = intervalMs > 0 && isOwn ? intervalMs / 2 : undefined;
  }

  /** The device is being opened, however long that takes. */
  opening(): void {
    this.#isExtending = true;
    this.#tell();
    this.#repeat(() => this.#tell(), STATUS_EVERY_MS);
    if (this.#watchdogMs !== undefined) this.#repeat(() => this.#push('WATCHDOG', '1'), this.#watchdogMs);
  }

  /** Clients are served. `status` gives one line. */
  ready(status: () => string): void {
    this.#status = status;
    this.#isExtending = false;
    this.#push('READY', '1');
    this.#tell();
  }

  /** The end has begun, however long that takes. */
  stopping(): void {
    this.#isExtending = true;
    this.#push('STOPPING', '1');
    this.#tell();
  }

  /** Tells nothing more. Resolves when what was told is on its way. */
  async end(): Promise<void> {
    for (const timer of this.#timers.values()) this.#clock.clear(timer);
    this.#timers.clear();
    this.#isOver = true;
    await this.#sending;
  }

  #tell(): void {
    const status = oneLine(this.#status());
    if (this.#isExtending) this.#push('EXTEND_TIMEOUT_USEC', String(EXTENSION_US));
    if (status === this.#told) return;
    this.#told = status;
    this.#push('STATUS', status);
  }

  #repeat(act: () => void, everyMs: number): void {
    const timer = this.#clock.set(() => {
      this.#repeat(act, everyMs);
      act();
    }, everyMs);
    this.#timers.set(act, timer);
  }

  #push(name: string, value: string): void {
    if (this.#isOver) return;
    this.#next.set(name, value);
    this.#sending ??= this.#sendAll();
  }

  /** One message at a time; what is to be told meanwhile goes together. Never rejects. */
  async #sendAll(): Promise<void> {
    // What is told in one go is one message.
    await Promise.resolve();
    while (this.#next.size > 0) {
      const messages = this.#next;
      this.#next = new Map();
      try {
        await this.#send(Array.from(messages, ([name, value]) => `${name}=${value}`));
        this.#isUnheard = false;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#sending = undefined;
  }

  #fail(error: unknown): void {
    if (!this.#isUnheard) this.#log(`the service manager was not told: ${JSON.stringify(messageOf(error))}`);
    this.#isUnheard = true;
    if (errnoOf(error) !== 'ENOENT') return;
    // A program that is not there will not come.
    this.#isOver = true;
    this.#next.clear();
  }
}

async function notify(assignments: readonly string[]): Promise<void> {
  await promisify(execFile)('systemd-notify', ['--', ...assignments], { timeout: SEND_TIMEOUT_MS });
}

/** Tells systemd which process the service is now, where it asks to be told. */
export async function tellMainProcess(pid: number): Promise<void> {
  if (process.env.NOTIFY_SOCKET) await notify([`MAINPID=${pid}`]);
}
