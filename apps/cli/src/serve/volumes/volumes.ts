import { type Clock, systemClock } from '@blockyard/block';
import type { NbdServer } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';
import { openDevice } from '../../devices/device.js';
import type { Context } from '../../terminal/context.js';
import { messageOf } from '../../terminal/failure.js';
import type { VolumePlan } from '../config/options.js';
import { Volume } from './volume.js';

/** Once one volume is open, others are waited for so long before clients are served. Those that take longer come later. */
const OTHERS_WAIT_MS = 10_000;
/** A volume that cannot be opened is tried again after the first of these times, and then twice as late each time, up to the second. */
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;

export interface VolumesOptions {
  readonly clock?: Clock;
  /** Told of a volume that another process has taken. */
  readonly onLost: (volume: Volume, reason: unknown) => void;
}

/** What one process serves. A volume that cannot be opened does not keep the others from being served, and is tried again. */
export class Volumes {
  readonly #context: Context;
  readonly #clock: Clock;
  readonly #onLost: VolumesOptions['onLost'];
  readonly #isMany: boolean;
  readonly #volumes = new Map<string, Volume>();
  readonly #timers = new Map<Volume, unknown>();
  #onOpened: (volume: Volume) => void = () => {};
  #isHeld = false;
  #isOver = false;

  /** `isMany`: whether lines in the log have to say which volume they are about, and volumes may come and go. */
  constructor(
    context: Context,
    plans: readonly VolumePlan[],
    isMany: boolean,
    { clock = systemClock, onLost }: VolumesOptions,
  ) {
    this.#context = context;
    this.#clock = clock;
    this.#onLost = onLost;
    this.#isMany = isMany;
    for (const plan of plans) this.#make(plan);
  }

  get isMany(): boolean {
    return this.#isMany;
  }

  all(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  served(): readonly Volume[] {
    return this.all().filter((volume) => volume.isServed);
  }

  find(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  /** Opens them. Resolves when there is something to serve; rejects with what the first one fails with where there is nothing. */
  async begin(): Promise<void> {
    const opening = this.all().map((volume) => this.#open(volume));
    const all = Promise.all(opening);
    let timer: unknown;
    const waited = () =>
      new Promise<void>((resolve) => {
        timer = this.#clock.set(resolve, OTHERS_WAIT_MS);
      });
    const first = Promise.any(opening.map((each) => each.then((isOpen) => isOpen || Promise.reject())));
    await Promise.race([all, first.then(waited).catch(() => all)]);
    this.#clock.clear(timer);
    const [volume] = this.all();
    if (this.served().length > 0 || volume === undefined) return;
    this.end();
    throw volume.reason;
  }

  /**
   * Those of a server whose place this process takes, each opened as its clients have it. Rejects if one cannot be opened. `ids` tells
   * the volumes from others that may be in their places.
   */
  async succeed(
    names: readonly string[],
    ids: Readonly<Record<string, string>> = {},
  ): Promise<Readonly<Record<string, UriDevice>>> {
    const devices = names.map(async (name) => {
      const volume = this.#volumes.get(name);
      if (volume === undefined) throw new Error('a rehearsal has found it');
      return [name, volume.follow(await volume.reconnect(ids[name]))] as const;
    });
    return Object.fromEntries(await Promise.all(devices));
  }

  /** Reads of these what opening them would, while another process has them. Again: what has come since. */
  async load(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#volumes.get(name)?.load()));
  }

  /** They are not opened after all. */
  unload(): void {
    for (const volume of this.all()) volume.unload();
  }

  /** From now on this server has what is opened. Volumes that it does not have are added, or opened. */
  serveOn(server: Pick<NbdServer, 'addExport' | 'uris'>, onAdded: (volume: Volume) => void): void {
    this.#onOpened = (volume) => {
      server.addExport(volume.name, volume.device);
      onAdded(volume);
    };
    for (const volume of this.all()) {
      if (volume.name in server.uris) continue;
      if (volume.isServed) this.#onOpened(volume);
      else if (volume.state === 'opening') void this.#open(volume);
    }
  }

  /** One more, which is opened behind what is served. */
  add(plan: VolumePlan): void {
    void this.#open(this.#make(plan));
  }

  /** It is no longer wanted. What it has is its server's. */
  forget(volume: Volume): void {
    volume.end();
    this.#clock.clear(this.#timers.get(volume));
    this.#volumes.delete(volume.name);
  }

  /** While another process is to open what is served, nothing further is opened here. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  /** Nothing is opened again. */
  end(): void {
    this.#isOver = true;
    for (const timer of this.#timers.values()) this.#clock.clear(timer);
  }

  #make(plan: VolumePlan): Volume {
    const { name } = plan;
    const log: Context['log'] = (line, fields = {}) =>
      this.#isMany
        ? this.#context.log(withName(name, line), { export: name, ...fields })
        : this.#context.log(line, fields);
    const volume = new Volume(plan, log, this.#onLost);
    this.#volumes.set(name, volume);
    return volume;
  }

  /** Never rejects. Whether it is open. */
  async #open(volume: Volume, tries = 0): Promise<boolean> {
    volume.opening();
    try {
      const device = await openDevice(this.#context, volume.connect());
      if (this.#isHeld || this.#isOver || volume.state === 'ended') {
        await device.disconnect();
        throw new Error('it is not wanted at this moment');
      }
      volume.follow(device);
      if (volume.isServed) this.#onOpened(volume);
      return volume.isServed;
    } catch (error) {
      this.#failed(volume, error, tries);
      return false;
    }
  }

  #failed(volume: Volume, error: unknown, tries: number): void {
    if (volume.state === 'ended') return;
    volume.fail('failed', error);
    if (this.#isOver || !this.#isMany || this.#context.interruption.aborted) return;
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** tries);
    volume.log(
      `warning: it is not served, and tried again in ${delayMs / 1000} s: ${JSON.stringify(messageOf(error))}`,
    );
    const again = () => void this.#open(volume, tries + 1);
    this.#timers.set(volume, this.#clock.set(again, delayMs));
  }
}

/** What is warned of stays a warning. */
function withName(name: string, line: string): string {
  const [, warning = '', rest = line] = /^(warning: )(.*)$/s.exec(line) ?? [];
  return `${warning}${JSON.stringify(name)}: ${rest}`;
}
