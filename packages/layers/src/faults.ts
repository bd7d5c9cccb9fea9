import {
  type BlockDevice,
  BlockError,
  checkDevice,
  checkOptionNames,
  type KnownOptions,
  type Operation,
  sliceBuffers,
} from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { type FaultAction, FaultPlan, type FaultRule, type Strike } from './fault-plan.js';
import {
  type Args,
  createLayer,
  type Intercept,
  isForced,
  type LayerOptions,
  type Result,
  rangeOf,
  type Send,
} from './layer.js';

/** Faults that the log remembers. Of more, it forgets the oldest. */
export const FAULT_LOG_MAX = 10_000;

/** Options of {@link withFaults}. */
export interface FaultOptions extends LayerOptions {
  /** What goes wrong, and when. Where several rules strike at one call, the first does. */
  readonly rules: readonly FaultRule[];
  /** Whatever rules leave to chance is the same for the same seed and order of calls. Default: 0. */
  readonly seed?: number;
}

/** One fault that was injected. */
export interface FaultRecord {
  /** The rule's place in `rules`. */
  readonly ruleIndex: number;
  readonly action: FaultAction;
  readonly operation: Operation;
  readonly start: number | undefined;
  readonly count: number | undefined;
  /** For `tear`: how many sectors were done. */
  readonly tornSectors: number | undefined;
}

/** A device that misbehaves, and tells. */
export interface FaultyDevice extends BlockDevice {
  readonly faults: FaultControl;
}

/** Looks at the faults of a device, and ends them. */
export interface FaultControl {
  /** What was done so far, oldest first. */
  readonly log: readonly FaultRecord[];
  /** Calls that hang at the moment. */
  readonly hanging: number;
  /** Lets every call that hangs go on to the base. Later ones may hang again. */
  release(): void;
  /** Releases, and from now on injects nothing. */
  heal(): void;
}

const KNOWN: KnownOptions<FaultOptions> = { ownsBase: true, rules: true, seed: true };

/**
 * The base, misbehaving as the rules say. A forced disconnect is spared, and ends what hangs.
 *
 * Throws `INVALID_ARGUMENT` if an option is wrong or unknown.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { withFaults } from '@blockyard/layers';
 *
 * const device = withFaults(await connectMemory({ sizeSectors: 16 }), {
 *   rules: [{ operation: 'write', nth: 2, action: 'failBefore', code: 'NO_SPACE' }],
 * });
 * const sector = [new Uint8Array(512)];
 * await device.write(0, sector);
 * console.log(await device.write(1, sector).catch(({ code }) => code)); // NO_SPACE
 * ```
 */
export function withFaults(base: BlockDevice, options: FaultOptions): FaultyDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  const faults = new Faults(new FaultPlan(options.rules, options.seed ?? 0), base.info.sectorSize);
  const layer = createLayer(base, {
    name: 'faults',
    ownsBase: checkOwnsBase(options),
    intercept: (operation, args, send) => faults.intercept(operation, args, send),
  });
  return Object.assign(layer, { faults });
}

/** What `tear` makes of a call: the same on its first `count` sectors. */
const HEADS: { readonly [O in Operation]?: (args: Args<O>, count: number, sectorSize: number) => Args<O> } = {
  write: ([start, buffers], count, sectorSize) => [start, sliceBuffers(buffers, 0, count * sectorSize)],
  discard: ([start], count) => [start, count],
  writeZeroes: ([start], count) => [start, count],
};

interface Hanging {
  readonly go: () => void;
  readonly end: (error: Error) => void;
}

class Faults implements FaultControl {
  readonly #plan: FaultPlan;
  readonly #sectorSize: number;
  readonly #log: FaultRecord[] = [];
  #hanging: Hanging[] = [];
  #healed = false;

  constructor(plan: FaultPlan, sectorSize: number) {
    this.#plan = plan;
    this.#sectorSize = sectorSize;
  }

  get log(): readonly FaultRecord[] {
    return [...this.#log];
  }

  get hanging(): number {
    return this.#hanging.length;
  }

  release(): void {
    for (const { go } of this.#hanging.splice(0)) go();
  }

  heal(): void {
    this.#healed = true;
    this.release();
  }

  readonly intercept: Intercept = (operation, args, send) => {
    if (isForced(operation, args)) {
      this.#endHanging();
      return send(args);
    }
    const range = rangeOf(operation, args, this.#sectorSize);
    const strike = this.#healed ? undefined : this.#plan.decide({ operation, range });
    if (strike === undefined) return send(args);
    this.#remember({
      ruleIndex: strike.ruleIndex,
      action: strike.rule.action,
      operation,
      start: range?.start,
      count: range?.count,
      tornSectors: strike.tornSectors,
    });
    return this.#strike(strike, operation, args, send);
  };

  async #strike<O extends Operation>(strike: Strike, operation: O, args: Args<O>, send: Send<O>): Promise<Result<O>> {
    switch (strike.rule.action) {
      case 'failBefore':
        throw errorOf(strike);
      case 'failAfter':
        await send(args);
        throw errorOf(strike);
      case 'tear': {
        const head = HEADS[operation];
        const sectors = strike.tornSectors ?? 0;
        if (head !== undefined && sectors > 0) await send(head(args, sectors, this.#sectorSize));
        throw errorOf(strike);
      }
      case 'hang':
        await this.#hang();
        return send(args);
      case 'lie':
        // Only rules for operations without a result may say so.
        return undefined as Result<O>;
    }
  }

  #hang(): Promise<void> {
    return new Promise((go, end) => this.#hanging.push({ go, end }));
  }

  #endHanging(): void {
    for (const { end } of this.#hanging.splice(0)) {
      end(new BlockError('DISCONNECTED', 'the device was disconnected by force'));
    }
  }

  #remember(record: FaultRecord): void {
    if (this.#log.length === FAULT_LOG_MAX) this.#log.shift();
    this.#log.push(record);
  }
}

function errorOf({ rule, ruleIndex }: Strike): BlockError {
  return new BlockError(rule.code ?? 'IO', `injected fault: ${rule.action}, rule ${ruleIndex}`);
}
