import { type BlockDevice, BlockError, type Clock } from '@blockyard/block';
import type { ExportFacts } from '../exports/exports.js';
import { Channel, within } from './channel.js';
import { type Movable, MovingClients } from './clients.js';
import { MovingDevices } from './devices.js';
import { keepUp } from './keep-up.js';
import { HAND_OVER_VERSION, type Place, type ToPredecessor, type ToSuccessor } from './messages.js';
import type { CheckedHandOver } from './options.js';

/** What a server is to its hand-over. */
export interface HandOverHost {
  readonly clock: Clock;
  readonly place: Place;
  facts(): readonly ExportFacts[];
  /** The devices, with the names of their exports. */
  devices(): ReadonlyMap<BlockDevice, readonly string[]>;
  /** `hasAll`: they have all that clients were told is accepted. */
  replaceDevices(deviceOf: (name: string) => BlockDevice | undefined, hasAll: boolean): void;
  /** Connections that come from now on wait. */
  park(): void;
  /** They are served. */
  unpark(): void;
  /** No further connections come. Those that waited are among `connections`. */
  leaveListening(): void;
  connections(): Iterable<Movable>;
}

/** At most. Each has less to do: what has come in the one before. */
const PREPARING_ROUNDS_MAX = 3;
/** What took no longer leaves so little that a further round gains nothing, in milliseconds. */
const QUICK_MS = 100;

/** How long clients waited for a hand-over, in milliseconds. */
export interface HandedOver {
  readonly pausedMs: number;
}

/**
 * Moves a server's clients to another process.
 *
 * Everything up to the pause happens while clients are served. In the pause nothing is read, what was read is answered, the devices are
 * disconnected, and the successor opens them. Up to the moment when the successor says that it has taken the clients, everything can be
 * taken back: the sockets are open in both processes, and only this one has read from them. From then on until it says that it serves,
 * the devices and the listening socket can be: its clients have to connect again, as after a crash.
 */
export class HandOver {
  readonly #host: HandOverHost;
  readonly #options: CheckedHandOver;
  readonly #channel: Channel<ToSuccessor, ToPredecessor>;
  readonly #clients: MovingClients;
  readonly #devices: MovingDevices;
  readonly #exited: Promise<unknown>;
  readonly #waiting: (() => void)[] = [];
  #isPaused = false;
  #isTaken = false;
  #isConfirmed = false;
  #isGivenUp = false;
  #isAbandoned = false;

  constructor(host: HandOverHost, options: CheckedHandOver) {
    const { successor, reopen } = options;
    this.#host = host;
    this.#options = options;
    this.#channel = new Channel(successor, 'the successor');
    this.#clients = new MovingClients(
      () => host.connections(),
      this.#channel,
      () => this.#wake(),
    );
    this.#devices = new MovingDevices(() => host.devices(), reopen);
    const isGone = successor.exitCode !== null || successor.signalCode !== null || successor.pid === undefined;
    this.#exited = isGone ? Promise.resolve() : new Promise((resolve) => successor.once('exit', resolve));
    // One that could not be started; what follows from it is found where its first word is waited for.
    successor.on('error', () => {});
    this.#channel.over().then(() => this.#wake());
  }

  /** Whether it has failed so that no one can be served: the devices cannot be opened again. */
  get isStranded(): boolean {
    return this.#devices.areStranded;
  }

  /** Resolves when the successor has the clients. If it rejects, they are served here as before. */
  async run(): Promise<HandedOver> {
    const { clock } = this.#host;
    const { dryRun, prepare, onStep, readyTimeoutMs } = this.#options;
    try {
      onStep('starting');
      await within(clock, readyTimeoutMs, 'the start of the successor', this.#ready());
      if (dryRun) {
        this.#send({ type: 'end' });
        this.#channel.close();
        return { pausedMs: 0 };
      }
      onStep('preparing');
      this.#send({ type: 'begin', place: this.#host.place, exports: this.#host.facts() });
      // Before the first, so that what is held from then on is not held for long; and behind the last, so that little is left.
      await this.#catchUp();
      for (let round = 0; round < PREPARING_ROUNDS_MAX; round++) {
        const preparedMs = await this.#timed(() => this.#prepare(prepare));
        await this.#inTime('the flush before the pause', this.#devices.flushAhead(clock));
        const caughtUpMs = await this.#timed(() => this.#catchUp());
        // A long one had much to do for one device while others took in more.
        if (caughtUpMs <= QUICK_MS && (preparedMs <= QUICK_MS || round > 0)) break;
      }
      await this.#inTime('the flush before the pause', this.#devices.flushAhead(clock));
      onStep('pausing');
      const pausedAtMs = clock.now();
      await this.#inPauseTime('the hand-over', this.#move(pausedAtMs), () => this.#isTaken);
      const pausedMs = clock.now() - pausedAtMs;
      onStep('confirming');
      await this.#inPauseTime('the first of the serving', this.#confirmed(), () => this.#isConfirmed);
      return { pausedMs };
    } catch (error) {
      this.#isGivenUp = true;
      this.#devices.giveUp();
      this.#wake();
      await this.#takeBack();
      throw error;
    }
  }

  /** Gives up what is not done yet: then `run` rejects. */
  abort(): void {
    if (!this.#isTaken) this.#options.successor.kill('SIGKILL');
  }

  /** The same where no one is to be served here any longer, nor by way of here. */
  abandon(): void {
    this.#isAbandoned = true;
    this.abort();
    this.#clients.endRelays();
  }

  /** After it has run: moves the clients that were slow, and waits for the end of those that only this process can understand. */
  async finish(): Promise<void> {
    const { clock } = this.#host;
    this.#host.leaveListening();
    const timer = clock.set(
      () => this.#endLeft('it was slow to take its replies, and the server was handed over'),
      this.#options.slowClientTimeoutMs,
    );
    while (this.#clients.left.length > 0) {
      if (!this.#options.successor.connected) this.#endLeft('the process that serves now is gone');
      await this.#clients.send();
      await this.#clients.move();
      if (this.#clients.left.length > 0) await this.#change();
    }
    clock.clear(timer);
    await this.#channel.send({ type: 'end' });
    while (this.#clients.relays > 0) await this.#change();
    this.#channel.close();
  }

  /** The successor keeps up meanwhile. */
  async #prepare(prepare: () => Promise<void>): Promise<void> {
    const work = prepare();
    const kept = keepUp(this.#host.clock, this.#unlessGone(work), () => this.#catchUp());
    await Promise.all([this.#inTime('what is done before the pause', work), kept]);
  }

  /** How long it took, in milliseconds. */
  async #timed(work: () => Promise<void>): Promise<number> {
    const { clock } = this.#host;
    const beginMs = clock.now();
    await work();
    return clock.now() - beginMs;
  }

  async #catchUp(): Promise<void> {
    this.#send({ type: 'catchUp' });
    await this.#inTime('the catching up of the successor', this.#expect('caughtUp'));
  }

  /** While clients are served: as long as the successor is there, and no longer than it may take to be ready. */
  #inTime<T>(what: string, work: Promise<T>): Promise<T> {
    return within(this.#host.clock, this.#options.readyTimeoutMs, what, this.#unlessGone(work));
  }

  /** The same in the pause, and until the successor serves. `isDone` hears of what the time is for. */
  async #inPauseTime(what: string, work: Promise<void>, isDone: () => boolean): Promise<void> {
    await within(this.#host.clock, this.#options.pauseTimeoutMs, what, work).catch(async (error: unknown) => {
      // Where this process stood still, the time is over before what has come meanwhile is read.
      await new Promise((resolve) => setImmediate(resolve));
      if (!isDone()) throw error;
      await work;
    });
  }

  #endLeft(reason: string): void {
    for (const connection of this.#clients.left) connection.terminate(reason);
  }

  async #ready(): Promise<void> {
    const { version } = await this.#expect('ready');
    if (version === HAND_OVER_VERSION) return;
    throw new BlockError('UNSUPPORTED', `the successor speaks version ${version}, and this is ${HAND_OVER_VERSION}`);
  }

  async #move(pausedAtMs: number): Promise<void> {
    this.#isPaused = true;
    this.#host.park();
    this.#clients.pause();
    await this.#unlessGone(this.#quiet(pausedAtMs));
    await this.#unlessGone(this.#devices.flush());
    this.#send({ type: 'release' });
    // Nothing comes any longer: the successor reads the last of it while the devices are disconnected.
    await this.#unlessGone(Promise.all([this.#clients.send(), this.#devices.release(), this.#catchUp()]));
    this.#throwIfStopped();
    this.#options.onStep('opening');
    this.#send({ type: 'open' });
    await this.#expect('opened');
    await this.#unlessGone(this.#clients.send());
    this.#throwIfStopped();
    this.#send({ type: 'go' });
    await this.#expect('taken');
    this.#isTaken = true;
    this.#throwIfStopped();
    await this.#clients.move();
  }

  async #confirmed(): Promise<void> {
    await this.#expect('serving');
    this.#isConfirmed = true;
  }

  /** Waits until no device is needed. Half of the time is for clients through whose memory a reply passes in pieces. */
  async #quiet(pausedAtMs: number): Promise<void> {
    const { clock } = this.#host;
    const timer = clock.set(() => this.#clients.terminateStill(pausedAtMs), this.#options.pauseTimeoutMs / 2);
    try {
      while (!this.#clients.areQuiet) {
        await this.#change();
        this.#throwIfStopped();
      }
    } finally {
      clock.clear(timer);
    }
  }

  /** The successor has failed: ends it, and goes on here. */
  async #takeBack(): Promise<void> {
    this.#options.successor.kill('SIGKILL');
    // Its locks end with it.
    await this.#exited;
    await this.#channel.over();
    const wasTaken = this.#isTaken || this.#channel.find('taken') !== undefined;
    this.#channel.close();
    this.#clients.takeBack(wasTaken);
    if (!this.#isPaused || this.#isAbandoned) return;
    const opened = await this.#devices.takeBack();
    // What the successor accepted may not have been flushed.
    this.#host.replaceDevices((name) => opened.get(name), !wasTaken);
    this.#clients.unpause();
    this.#host.unpark();
  }

  /** That the successor is gone is found where its answer is waited for. */
  #send(message: ToSuccessor): void {
    void this.#channel.send(message);
  }

  #throwIfStopped(): void {
    if (this.#isGivenUp) throw new BlockError('ABORTED', 'the hand-over was given up');
  }

  async #expect<T extends ToPredecessor['type']>(type: T): Promise<Extract<ToPredecessor, { type: T }>> {
    const { message } = await this.#channel.next();
    if (message.type === 'failed') throw failed(message);
    if (message.type === type) return message as Extract<ToPredecessor, { type: T }>;
    throw new BlockError('UNSUPPORTED', `the successor said ${JSON.stringify(message.type)}, not "${type}"`);
  }

  /** What `work` gives, unless the successor is gone, or says that it failed, before. */
  async #unlessGone<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    const gone = this.#channel.foundOrOver('failed').then(() => {
      const message = this.#channel.find('failed');
      throw message === undefined ? new BlockError('UNAVAILABLE', 'the successor is gone') : failed(message);
    });
    gone.catch(() => {});
    return Promise.race([work, gone]);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function failed({ code, message }: Extract<ToPredecessor, { type: 'failed' }>): BlockError {
  return new BlockError(code, `the successor failed: ${message}`);
}
