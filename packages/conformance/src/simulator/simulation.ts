import { isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { AssertionError, isAssertionError } from '../assertions/assertion-error.js';
import { strictEqual } from '../assertions/assertions.js';
import { ChangedLoan, loansOf } from '../model/borrowing.js';
import { CrashCheck } from '../model/crash-check.js';
import { readWriters } from '../model/expect.js';
import { Oracle } from '../model/oracle.js';
import { type Run, runStep } from '../model/run-workload.js';
import type { Writer } from '../model/stamp.js';
import type { Step } from '../model/workload.js';
import { Actions } from './actions.js';
import { Life } from './life.js';
import { ObservedDevice } from './observed-device.js';
import { type Action, type Ending, type ForcedResize, isEnding, type ScriptStep } from './script.js';
import type { SimulatedSystem } from './simulated-system.js';
import { CLAUSES_OF_RESULT, Violation } from './violation.js';
import type { World } from './world.js';

/** Times that a world that is well again may fail to end or to open a device: calls made before may still fail. */
const ATTEMPTS_MAX = 50;
/** Events until everything must have come to an end, for each step of the script and to begin with. */
const EVENTS_PER_STEP_MAX = 2000;
const EVENTS_MIN = 50_000;
const OPEN_RETRY_MS = 50;
const OPENS_BEFORE_HEALING = 10;
/** How long a process runs after its device was given up: longer than any timer of the device. */
const IDLE_MS = 100_000;

/** One run of a script in a world. */
export class Simulation {
  readonly #world: World;
  readonly #system: SimulatedSystem;
  readonly #oracle: Oracle;
  readonly #resizesAlone: boolean;
  readonly #actions = new Actions((action) => this.#act(action));
  #violation: Violation | undefined;
  #life: Life;
  #device: ObservedDevice | undefined;
  #check: CrashCheck | undefined;
  /** Ended or about to be: until it is opened again, or the end fails. */
  #isEnding = false;
  /** One operation that nothing may begin beside. */
  #exclusive = false;
  #resizing = 0;
  #performing = 0;
  #waiting: (() => void)[] = [];
  #isDone = false;
  #isOver = false;

  constructor(world: World, system: SimulatedSystem) {
    this.#world = world;
    this.#system = system;
    this.#oracle = new Oracle(world.shape.sizeSectors, { losesFlushed: system.losesFlushed });
    // The oracle can only follow a resize that fails if nothing runs beside it.
    this.#resizesAlone = world.mayInject || system.timesOut === true;
    this.#life = new Life(world.time);
    world.onMisuse = (clauses, what) => this.#fail(clauses, new AssertionError({ message: what }));
    world.onMediumEvent = (start, count) => this.#lookAtCrashes(start, count);
    world.onCrashDue = () => this.#crashNow();
    world.watch = () => this.#oracle.watch();
    world.unwatch = (watch) => this.#oracle.unwatch(watch);
    world.onResized = () => this.#actions.resized();
  }

  /** Runs the script to its end and everything after it to rest. The violation that it finds, if any. */
  async run(script: readonly ScriptStep[]): Promise<Violation | undefined> {
    this.#runAll(script).then(
      () => {
        this.#isDone = true;
      },
      (error: unknown) => this.#fail('A1', error),
    );
    const eventsMax = EVENTS_MIN + script.length * EVENTS_PER_STEP_MAX;
    for (let events = 0; ; events++) {
      await macrotasks(this.#system.macrotasksToRest ?? 1);
      if (this.#violation !== undefined || this.#isDone) break;
      this.#checkInvariants();
      await this.#step();
      if (events > eventsMax) this.#hang(`there is no end after ${events} events`);
    }
    this.#isOver = true;
    this.#life.end();
    return this.#violation;
  }

  /** Lets the next event happen. What throws there would be an uncaught exception of the process. */
  async #step(): Promise<void> {
    try {
      const next = this.#world.step();
      if (!(typeof next === 'boolean' ? next : await next)) this.#hang('nothing more will happen');
    } catch (error) {
      this.#fail('O2', error);
    }
  }

  async #runAll(script: readonly ScriptStep[]): Promise<void> {
    await this.#open();
    const clients = new Map<number, ScriptStep[]>();
    for (const each of script) {
      const own = clients.get(each.client);
      if (own === undefined) clients.set(each.client, [each]);
      else own.push(each);
    }
    await Promise.all([...clients.values()].map((steps) => this.#runClient(steps)));
    await this.#finish();
  }

  async #runClient(steps: readonly ScriptStep[]): Promise<void> {
    for (const { thinkMs, step } of steps) {
      if (thinkMs > 0) await this.#world.time.sleep(thinkMs);
      this.#world.log.step();
      if (isEnding(step)) await this.#end(step.kind);
      else if (step.kind === 'forceResize') await this.#forceDuringResize(step);
      else if (step.kind === 'action') await this.#actions.begin(step);
      else await this.#perform(step);
    }
  }

  /** One operation of a client. Over when it has settled, or its process is. */
  async #perform(step: Step): Promise<void> {
    const isExclusive = step.kind === 'resize' && this.#resizesAlone;
    // Nothing may come between looking and beginning.
    while (!this.#mayBegin(step.kind, isExclusive)) await this.#changed();
    const device = this.#device;
    if (device === undefined) throw new Error('a step needs an open device');
    if (isExclusive) this.#exclusive = true;
    if (step.kind === 'resize') this.#resizing++;
    this.#performing++;
    this.#world.log.note(this.#world.time.now(), describe(step));
    await Promise.race([this.#runStep(step, device), this.#life.over]);
    this.#performing--;
    if (step.kind === 'resize') this.#resizing--;
    if (isExclusive) this.#exclusive = false;
    this.#wake();
  }

  #mayBegin(kind: Step['kind'], alone: boolean): boolean {
    if (this.#device === undefined || this.#exclusive) return false;
    return kind !== 'resize' || !(this.#isEnding || (alone && this.#performing > 0));
  }

  async #runStep(step: Step, device: ObservedDevice): Promise<void> {
    const life = this.#life;
    try {
      await runStep(step, device, this.#runOf(device, step.kind, life));
    } catch (error) {
      if (error instanceof ChangedLoan) return this.#fail('B4', error);
      const isResult = isAssertionError(error);
      this.#fail(isResult ? (CLAUSES_OF_RESULT[step.kind] ?? 'O1') : 'A1', error);
    }
  }

  #runOf(device: ObservedDevice, kind: Step['kind'], life: Life): Run {
    return {
      device,
      oracle: this.#oracle,
      mayFail: (error) => {
        this.#world.log.note(this.#world.time.now(), `${kind} rejects`);
        return this.#mayFail(error, life);
      },
      mayComeLate: (error) => this.#system.mayComeLate?.(error) ?? false,
      settled: () => {
        this.#world.log.note(this.#world.time.now(), `${kind} resolves`);
        if (kind === 'flush' || kind === 'flushRange') this.#lookAtCrashes();
      },
    };
  }

  #mayFail(error: unknown, life: Life): boolean {
    if (!isBlockError(error)) return false;
    if (this.#world.isCauseOf(error)) return true;
    if (isBlockError(error, 'DISCONNECTED')) return this.#isEnding || life !== this.#life;
    return this.#system.mayFail?.(error) ?? false;
  }

  /** Ends the device in the middle of all that runs, and opens another. */
  async #end(kind: Ending['kind']): Promise<void> {
    while (!this.#mayEnd(kind)) await this.#changed();
    this.#isEnding = true;
    this.#world.log.note(this.#world.time.now(), kind);
    if (kind === 'reopen') await this.#disconnectAndOpen();
    else await this.#giveUp(kind);
    this.#isEnding = false;
    this.#wake();
    await this.#readAll();
  }

  #mayEnd(kind: Ending['kind']): boolean {
    if (this.#device === undefined || this.#isEnding) return false;
    // A resize that is refused because the device has ended is one that fails.
    return kind !== 'reopen' || this.#resizing === 0;
  }

  /** What only this device can do. It is in no operation's way, so that it may come at any moment. */
  async #act(action: Action): Promise<void> {
    const device = this.#device;
    if (this.#system.act === undefined || device === undefined) return;
    const life = this.#life;
    this.#world.log.note(
      this.#world.time.now(),
      `action ${action.which} ${action.much} ${action.at}+${action.sectors}`,
    );
    try {
      await Promise.race([this.#system.act(device.inner, action, () => loansOf(device)), life.over]);
    } catch (error) {
      if (!this.#mayFail(error, life)) this.#fail('C1', error);
    }
  }

  /** Gives the device up while it resizes. Its process lives on: everything settles, and nothing more happens. */
  async #forceDuringResize({ sectors, afterMs }: ForcedResize): Promise<void> {
    while (!(this.#mayBegin('resize', this.#resizesAlone) && this.#mayEnd('force'))) await this.#changed();
    const device = this.#device;
    if (device === undefined) throw new Error('a step needs an open device');
    const life = this.#life;
    this.#isEnding = true;
    this.#exclusive = this.#resizesAlone;
    this.#world.log.note(this.#world.time.now(), `resize ${sectors}, and force`);
    const pending = this.#oracle.beginResize(sectors);
    const resize = device.inner.resize(sectors).then(
      () => {
        if (this.#device === device) pending.succeeded();
      },
      (error: unknown) => {
        if (this.#device !== device) return;
        pending.failed(this.#system.mayComeLate?.(error) ?? false);
        if (!this.#mayFail(error, life)) this.#fail('A1', error);
      },
    );
    await Promise.race([this.#world.time.sleep(afterMs), life.over]);
    if (life.isAlive) await this.#letGo(device, life, resize);
    this.#exclusive = false;
    await this.#giveUp(life.isAlive ? 'force' : 'crash');
    this.#isEnding = false;
    this.#wake();
    await this.#readAll();
  }

  /** By force, and watches the process for a while. What is in flight may end in any way: what is found then is what counts. */
  async #letGo(device: ObservedDevice, life: Life, resize: Promise<void>): Promise<void> {
    device.leave();
    this.#device = undefined;
    this.#check = undefined;
    await Promise.race([device.inner.disconnect({ force: true }), life.over]);
    life.abortCalls();
    await Promise.race([Promise.all([device.settled(), resize]), life.over]);
    life.isIdle = true;
    await Promise.race([this.#world.time.sleep(IDLE_MS), life.over]);
  }

  /** The process dies at once, whatever it is about: at work, ending, or being opened. */
  #crashNow(): void {
    const life = this.#life;
    life.end();
    void this.#openAfter(life);
  }

  /** Opens the device again, unless another client is ending or opening it, and does so. */
  async #openAfter(life: Life): Promise<void> {
    while (this.#isEnding) await this.#changed();
    if (this.#life === life && this.#device !== undefined) await this.#end('crash');
  }

  async #disconnectAndOpen(): Promise<void> {
    if (await this.#disconnect()) await this.#open();
  }

  /** Whether it succeeded. If not, the device stays in use. */
  async #disconnect(): Promise<boolean> {
    const device = this.#device;
    if (device === undefined) throw new Error('only an open device can end');
    const life = this.#life;
    const isEnding = this.#isEnding;
    const flush = this.#oracle.beginFlush();
    try {
      await orDeath(device.disconnect(), life);
    } catch (error) {
      flush.failed();
      // The client that is ending the device has to open it again; otherwise another one does.
      if (error === DEAD && isEnding) await this.#giveUp('crash');
      else if (error !== DEAD && !this.#mayFail(error, life)) this.#fail('E1, E4', error);
      return false;
    }
    flush.succeeded();
    this.#device = undefined;
    this.#lookAtCrashes();
    await this.#expectEnded(device);
    // Operations called after it may still be about to learn that.
    while (this.#performing > 0) await this.#changed();
    this.#life.end();
    return true;
  }

  async #expectEnded(device: ObservedDevice): Promise<void> {
    try {
      await device.extents(0, 0);
    } catch (error) {
      if (isBlockError(error, 'DISCONNECTED')) return;
    }
    this.#fail('E3', new AssertionError({ message: 'an operation after disconnect must reject with DISCONNECTED' }));
  }

  /** Crash: the process, or the machine, dies. Force: the process gives the device up and lives on. */
  async #giveUp(kind: 'force' | 'crash'): Promise<void> {
    const device = this.#device;
    device?.leave();
    this.#device = undefined;
    this.#check = undefined;
    if (kind === 'force') {
      await Promise.race([device?.inner.disconnect({ force: true }), this.#life.over]);
      this.#life.abortCalls();
    }
    this.#life.end();
    if (kind === 'crash') this.#system.crash();
    // All who waited for the dead are told within this macrotask.
    while (this.#performing > 0) await this.#changed();
    await this.#open((sizeSectors, found) => {
      if (kind === 'crash') this.#oracle.crashed(sizeSectors, found);
      else this.#oracle.givenUp(sizeSectors, found);
    });
  }

  /** Opens the device, however often that fails. */
  async #open(opened: Opened = (sizeSectors) => this.#expectSize(sizeSectors)): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      // A client that runs after the end must not begin a life that no one ends.
      if (this.#isOver) return new Promise(() => {});
      const life = new Life(this.#world.time);
      this.#life = life;
      try {
        const device = await orDeath(this.#system.open(life), life);
        const prefixes = this.#oracle.prefixes();
        const found = this.#system.prefixConsistent === true ? await orDeath(readWriters(device), life) : undefined;
        opened(device.info.sizeSectors, found);
        const violation = found && prefixes.violation(found);
        if (violation !== undefined) return this.#fail(violation.clauses, violation);
        this.#device = new ObservedDevice(device);
        break;
      } catch (error) {
        life.end();
        if (error === DEAD) {
          this.#system.crash();
          continue;
        }
        if (isAssertionError(error)) return this.#fail('D1, D4', error);
        if (!this.#mayFail(error, life) || attempt === ATTEMPTS_MAX) return this.#fail('A1', error);
        // A world in which no device opens shows nothing.
        if (attempt === OPENS_BEFORE_HEALING) this.#world.heal();
        await this.#world.time.sleep(OPEN_RETRY_MS * attempt);
      }
    }
    const medium = this.#system.crashMedium;
    this.#check = medium === undefined ? undefined : new CrashCheck(this.#oracle, medium);
    this.#wake();
  }

  #expectSize(sizeSectors: number): void {
    const expected = this.#oracle.sizeSectors;
    strictEqual(sizeSectors, expected, `the device has ${sizeSectors} sectors, but had ${expected} when it ended`);
  }

  async #readAll(): Promise<void> {
    const sectors = this.#oracle.sizeSectors;
    if (sectors === 0 || this.#device === undefined || this.#exclusive) return;
    await this.#perform({ kind: 'read', at: 0, sectors, bufferSectors: sectors, macrotasks: 0 });
  }

  /** From now on all is well: what was accepted must get where it belongs, and nothing may hang. */
  async #finish(): Promise<void> {
    this.#world.heal();
    await this.#actions.settled();
    await this.#perform({ kind: 'flush', macrotasks: 0 });
    await this.#readAll();
    for (let attempt = 1; !(await this.#endWell()); attempt++) {
      if (this.#violation !== undefined) return;
      if (attempt === ATTEMPTS_MAX) return this.#fail('E4', new Error('disconnect keeps failing over a healthy base'));
      await this.#world.time.sleep(OPEN_RETRY_MS * attempt);
    }
    if (this.#device === undefined) await this.#crashAfterEnd();
    await this.#readAll();
    // It may have died over that, and be about to be opened.
    while (this.#isEnding) await this.#changed();
    await this.#disconnect();
  }

  async #endWell(): Promise<boolean> {
    while (this.#isEnding) await this.#changed();
    const flush = this.#oracle.beginFlush();
    let lost = false;
    try {
      if (this.#device !== undefined) await orDeath(this.#device.flush(), this.#life);
      flush.succeeded();
    } catch (error) {
      if (error === DEAD) return false;
      lost = this.#system.isLost?.(error) ?? false;
      if (!lost && !this.#mayFail(error, this.#life)) this.#fail('D3', error);
    }
    if (!lost) return this.#disconnect();
    await this.#giveUp('force');
    return true;
  }

  /** After a disconnect everything is durable, so that a crash changes nothing. */
  async #crashAfterEnd(): Promise<void> {
    this.#system.crash();
    await this.#open((sizeSectors, found) => this.#oracle.crashed(sizeSectors, found));
  }

  #lookAtCrashes(start?: number, count?: number): void {
    if (this.#check === undefined || this.#violation !== undefined) return;
    const found = this.#check.violation(start === undefined || count === undefined ? undefined : { start, count });
    if (found !== undefined) this.#fail('D1, D4', found);
  }

  #checkInvariants(): void {
    const device = this.#device;
    if (device === undefined) return;
    try {
      this.#system.check?.(device);
    } catch (error) {
      this.#fail('C2', error);
    }
  }

  #hang(why: string): void {
    if (this.#isDone) return;
    const inFlight = this.#device?.inFlight ?? 0;
    this.#fail('O2', new Error(`${inFlight} operations are in flight, and ${why}`));
  }

  #fail(clauses: string, error: unknown): void {
    this.#violation ??= new Violation(clauses, error);
  }

  /** Resolves when anything changed that a client may wait for. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Called once the device is open, with its size; and with the writers of its sectors, where their order is checked. */
type Opened = (sizeSectors: number, found: readonly Writer[] | undefined) => void;

/** What waiting for a process comes to that dies meanwhile. */
const DEAD = new Error('the process is over');

function orDeath<T>(work: Promise<T>, life: Life): Promise<T> {
  const death = life.over.then((): never => {
    throw DEAD;
  });
  return Promise.race([work, death]);
}

function describe(step: Step): string {
  switch (step.kind) {
    case 'flush':
      return 'client flush';
    case 'resize':
      return `client resize ${step.sectors}`;
    default:
      return `client ${step.kind} ${step.at}+${step.sectors}`;
  }
}
