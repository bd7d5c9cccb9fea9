import { BlockError } from '@blockyard/block';
import type { Shape } from '../bases/shape.js';
import type { Watch } from '../model/watch.js';
import { EventLog } from './event-log.js';
import { type CrashPoint, drawFaults, type FaultKind, type Faults, NO_FAULTS, type SingleFault } from './faults.js';
import type { Life } from './life.js';
import { Random } from './random.js';
import { ScheduledOrder, type TaskScheduler } from './scheduled-order.js';
import { VirtualTime } from './virtual-time.js';

/** A call of a medium: a number of parts, sectors mostly, each of which is carried out whole or not at all. */
export interface MediumCall<T> {
  /** For the log: `base write 3+4`. */
  readonly name: string;
  readonly parts: number;
  /** What fails has done nothing: a resize. Default: it may have done some or all of its parts. */
  readonly failsClean?: boolean;
  /** It fails, whatever chance says: what it is for cannot be reached. */
  readonly isAway?: boolean;
  /** Carries out parts `from` to before `to`. */
  apply(from: number, to: number): void;
  /** Called right before the call resolves. */
  done(): T;
  /**
   * Called right before the call rejects. Gives what it rejects with; default: an error `IO` or `UNAVAILABLE`. `cutOff`: it did
   * not fail, but the process that made it is over.
   */
  failed?(error: BlockError, cutOff: boolean): unknown;
}

/** How a call will end. */
interface Fate {
  readonly ms: number;
  readonly fails: boolean;
  /** The parts before and from this one on are carried out one after the other, in either order. */
  readonly splitAt: number;
  readonly secondFirst: boolean;
  /** How many of the two are carried out. */
  readonly pieces: number;
}

/** A simulated world: time, chance and what goes wrong, all from one seed. Media live in it, and devices over them. */
export class World {
  readonly time: VirtualTime;
  readonly shape: Shape;
  readonly log: EventLog;
  /** For what is no call of a medium: what a crash leaves, the options of a device. */
  readonly random: Random;
  /** Called after each event of a medium that changes what a crash leaves, with the sectors that changed. */
  onMediumEvent: (start?: number, count?: number) => void = () => {};
  /** Called with a description of a call that no caller of a medium may make, and the clause that forbids it. */
  onMisuse: (clause: string, what: string) => void = () => {};
  /**
   * Begins to follow what another process sees of the device, for systems that are `prefixConsistent`: {@link Watch.saw} throws
   * where the device never was like that, or was before something that was seen, or flushed before the watch began.
   */
  watch: () => Watch = () => {
    throw new Error('nothing is simulated yet');
  };
  /** Ends that. */
  unwatch: (watch: Watch) => void = () => {};
  /** Called right before a resize of a medium settles. */
  onResized: () => void = () => {};
  /** Called when the process must die at once. */
  onCrashDue: () => void = () => {};
  readonly #chance: Random;
  readonly #raised = new WeakSet<object>();
  #faults: Faults;
  readonly #single: SingleFault | undefined;
  readonly #crash: CrashPoint | undefined;
  readonly #order: ScheduledOrder | undefined;
  #downUntilMs = 0;
  #injected = 0;
  #calls = 0;

  constructor(
    seed: number,
    shape: Shape,
    options: {
      readonly without?: readonly FaultKind[] | undefined;
      /** This fault, and no other. */
      readonly single?: SingleFault | undefined;
      /** This crash, and nothing else that goes wrong. */
      readonly crash?: CrashPoint | undefined;
      readonly keepsLog?: boolean | undefined;
      /** Chooses the order of events, in place of chance and of how long calls take. */
      readonly scheduler?: TaskScheduler | undefined;
    } = {},
  ) {
    const random = new Random(seed);
    this.shape = shape;
    this.log = new EventLog(options.keepsLog ?? false);
    this.time = new VirtualTime(random.fork());
    this.#order = options.scheduler && new ScheduledOrder(options.scheduler, this.time);
    this.random = random.fork();
    this.#chance = random.fork();
    const drawn = drawFaults(random, options.without);
    this.#single = options.single;
    this.#crash = options.crash;
    const isPlanned = options.single !== undefined || options.crash !== undefined;
    this.#faults = isPlanned ? { ...NO_FAULTS, delayMsMax: drawn.delayMsMax } : drawn;
  }

  /** Whether any call may fail. */
  get mayInject(): boolean {
    return this.#faults.fail > 0 || this.#faults.down > 0 || this.#single !== undefined;
  }

  /** The longest that a call may take, in milliseconds. */
  get maxCallMs(): number {
    const { hang, hangMsMax, delayMsMax } = this.#faults;
    return hang > 0 ? Math.max(hangMsMax, delayMsMax) : delayMsMax;
  }

  /** Failures that were made up so far. */
  get injected(): number {
    return this.#injected;
  }

  /** Calls of media so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Whether a call that was on its way when its process died is carried out. */
  arrives(): boolean {
    return this.#crash?.arrives ?? this.random.chance(0.5);
  }

  /** Lets the next event happen. False if there is none. */
  step(): boolean | Promise<boolean> {
    return this.#order === undefined ? this.time.step() : this.#order.step();
  }

  /** From now on nothing fails and nothing hangs that does not already. */
  heal(): void {
    this.#faults = NO_FAULTS;
    this.#downUntilMs = 0;
  }

  /** Whether a failure that the world made up is `error`, or among its causes. */
  isCauseOf(error: unknown): boolean {
    for (let at = error; at instanceof Error; at = at.cause) if (this.#raised.has(at)) return true;
    return false;
  }

  /** Remembers an error as made up. */
  raise<T extends object>(error: T): T {
    this.#raised.add(error);
    this.#injected++;
    return error;
  }

  /** Carries out a call, when and as chance has it. It never settles once the process that made it is dead. */
  call<T>(life: Life, call: MediumCall<T>): Promise<T> {
    const isLast = this.#crash?.nth === this.#calls;
    if (life.isIdle) this.onMisuse('E4', `${call.name} was called after the end`);
    const fate = this.#fateOf(call);
    this.log.note(this.time.now(), `call ${call.name}`);
    return new Promise((resolve, reject) => {
      const begun = { aborted: false };
      const settle = () => {
        if (!life.isAlive || begun.aborted) return;
        life.calls.delete(abort);
        this.log.step();
        this.log.note(this.time.now(), fate.fails ? `FAIL ${call.name}` : `done ${call.name}`);
        if (call.name.startsWith('resize')) this.onResized();
        if (fate.fails) reject(this.#errorOf(call, false));
        else resolve(call.done());
      };
      const apply = (piece: number) => {
        if (!life.isAlive || begun.aborted) return;
        const second = piece === 1 ? !fate.secondFirst : fate.secondFirst;
        if (second) call.apply(fate.splitAt, call.parts);
        else call.apply(0, fate.splitAt);
      };
      const abort = () => {
        begun.aborted = true;
        reject(this.#errorOf(call, true));
      };
      life.calls.add(abort);
      this.#schedule(call.name, fate, apply, settle);
      if (isLast) this.onCrashDue();
    });
  }

  /** The pieces at random moments, the first one first, and the end after them. */
  #schedule(name: string, fate: Fate, apply: (piece: number) => void, settle: () => void): void {
    const firstMs = this.#chance.between(0, fate.ms);
    const end = (leftMs: number) => this.#later(settle, leftMs, `end of ${name}`);
    const first = () => {
      if (fate.pieces > 0) apply(0);
      if (fate.pieces < 2) {
        end(fate.ms - firstMs);
        return;
      }
      const secondMs = this.#chance.between(0, fate.ms - firstMs);
      const second = () => {
        apply(1);
        end(fate.ms - firstMs - secondMs);
      };
      this.#later(second, secondMs, `second part of ${name}`);
    };
    this.#later(first, firstMs, name);
  }

  /** When its time has come, or when the scheduler chooses it. */
  #later(callback: () => void, delayMs: number, label: string): void {
    if (this.#order === undefined) this.time.set(callback, delayMs);
    else this.#order.add(callback, label);
  }

  #fateOf({ parts, failsClean, isAway = false }: Pick<MediumCall<unknown>, 'parts' | 'failsClean' | 'isAway'>): Fate {
    const chance = this.#chance;
    const faults = this.#faults;
    const nowMs = this.time.now();
    if (chance.chance(faults.down)) this.#downUntilMs = nowMs + chance.magnitude(1, faults.downMsMax);
    const isSingle = this.#single?.nth === this.#calls++;
    const fails = isSingle || nowMs < this.#downUntilMs || chance.chance(faults.fail) || isAway;
    const hangs = chance.chance(faults.hang);
    const ms = hangs ? chance.magnitude(1, faults.hangMsMax) : chance.between(0, faults.delayMsMax);
    const torn = parts > 1 && chance.chance(faults.tear);
    const splitAt = torn ? chance.between(1, parts - 1) : parts;
    const secondFirst = torn && chance.chance(0.5);
    const late =
      fails && failsClean !== true && (isSingle ? this.#single?.late === true : chance.chance(faults.failLate));
    const whole = torn ? 2 : 1;
    return { ms, fails, splitAt, secondFirst, pieces: fails ? (late ? chance.between(1, whole) : 0) : whole };
  }

  #errorOf<T>(call: MediumCall<T>, cutOff: boolean): unknown {
    const code = this.#chance.chance(0.5) ? 'IO' : 'UNAVAILABLE';
    const error = this.raise(new BlockError(code, `the simulation fails ${call.name}`));
    const own = call.failed?.(error, cutOff) ?? error;
    if (own !== error && typeof own === 'object' && own !== null) this.#raised.add(own);
    return own;
  }
}
