import { BlockError, isBlockError } from '@blockyard/block';
import { type LoadedUri, loadUri, type UriDevice } from '@blockyard/uri';
import { tierOptionsOf } from '../../arguments/tier.js';
import { tierLines } from '../../devices/tier-log.js';
import type { Context } from '../../terminal/context.js';
import { deviceNameOf } from '../config/device-name.js';
import type { VolumeOptions, VolumePlan } from '../config/options.js';
import { identityOf, REPLACED } from './identity.js';
import { connectServed, withoutBoot } from './open-device.js';

/**
 * `opening`: it is being opened, for the first time or again; `failed`: it could not be, and is tried again; `served`; `lost`: another
 * process has taken it; `ended`: it is no longer wanted.
 */
export type VolumeState = 'opening' | 'failed' | 'served' | 'lost' | 'ended';

/** A volume that is to be served, and its device once there is one. */
export class Volume {
  readonly name: string;
  readonly uri: string;
  /** A line about this volume, for people who watch. */
  readonly log: Context['log'];
  readonly #onLost: (volume: Volume, reason: unknown) => void;
  #options: VolumeOptions;
  #device: UriDevice | undefined;
  #loaded: LoadedUri | undefined;
  #state: VolumeState = 'opening';
  #reason: unknown;

  constructor(
    { name, uri, options }: VolumePlan,
    log: Context['log'],
    onLost: (volume: Volume, reason: unknown) => void,
  ) {
    this.name = name;
    this.uri = uri;
    this.log = log;
    this.#options = options;
    this.#onLost = onLost;
  }

  get state(): VolumeState {
    return this.#state;
  }

  /** Why it failed or was lost. */
  get reason(): unknown {
    return this.#reason;
  }

  get options(): VolumeOptions {
    return this.#options;
  }

  get isServed(): boolean {
    return this.#state === 'served';
  }

  /** The device as it is now: an upgrade that failed has opened it anew. Throws where there is none. */
  get device(): UriDevice {
    if (this.#device === undefined) throw new Error('there is no device yet');
    return this.#device;
  }

  /** Opens what it says. It is not served by that: `follow` is told of the device. Rejects as `connectUri` does. */
  async connect(): Promise<UriDevice> {
    const device = await connectServed(this, this.#plan);
    if (device.tier !== undefined) for (const line of tierLines(device.tier())) this.log(line);
    return device;
  }

  /** Reads what `reconnect` would, while another process has it. Again: what has come since. */
  async load(): Promise<void> {
    const { outage, readOnly } = this.#options;
    // What is only read is not taken from anyone, and may not be written to by those who read it.
    if (readOnly) return;
    try {
      const options = { maxOutageMs: outage, ...tierOptionsOf(this.#options) };
      if (this.#loaded === undefined) this.#loaded = await loadUri(this.uri, options);
      else await this.#loaded.catchUp();
    } catch (error) {
      // What it has read is of no use. The writer may delete what is being read; then it is opened as at any start.
      this.unload();
      if (!isBlockError(error, 'NOT_FOUND')) throw error;
    }
  }

  /** It is not opened after all. */
  unload(): void {
    this.#loaded?.close();
    this.#loaded = undefined;
  }

  /**
   * Opens it for an upgrade: in the process that takes over, or in the one before if that fails. `id` is that of what clients have.
   * Rejects with `NOT_FOUND` if another is in its place: what clients know of it would be wrong.
   */
  async reconnect(id = this.#device && identityOf(this.#device)): Promise<UriDevice> {
    const loading = this.#loaded;
    this.#loaded = undefined;
    try {
      const loaded = loading?.loaded ?? this.#device?.left?.();
      const device = await connectServed(this, withoutBoot(this.#plan), { isUpgrade: true, loaded });
      if (id === undefined || identityOf(device) === id) return device;
      await device.disconnect();
      throw new BlockError('NOT_FOUND', `${deviceNameOf(this.uri)} ${REPLACED}`);
    } finally {
      loading?.close();
    }
  }

  /** This is the device now. What becomes known of an earlier one is of no interest. */
  follow(device: UriDevice): UriDevice {
    const { lost } = device;
    this.#device = device;
    this.#state = 'served';
    const onLost = () => {
      if (this.#device !== device || this.#state !== 'served') return;
      this.fail('lost', lost?.reason);
      this.#onLost(this, lost?.reason);
    };
    lost?.addEventListener('abort', onLost);
    if (lost?.aborted === true) onLost();
    return device;
  }

  opening(): void {
    this.#state = 'opening';
  }

  fail(state: 'failed' | 'lost', reason: unknown): void {
    this.#state = state;
    this.#reason = reason;
  }

  end(): void {
    this.#state = 'ended';
  }

  /** From now on it is opened with these. */
  change(options: VolumeOptions): void {
    this.#options = options;
  }

  get #plan(): VolumePlan {
    return { name: this.name, uri: this.uri, options: this.#options };
  }
}
