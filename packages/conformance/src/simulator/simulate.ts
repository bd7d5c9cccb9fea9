import type { CrashPoint, FaultKind, SingleFault } from './faults.js';
import { Random } from './random.js';
import type { TaskScheduler } from './scheduled-order.js';
import { drawScript, type ScriptStep, withExtras } from './script.js';
import type { SimulationSubject } from './simulated-system.js';
import { Simulation } from './simulation.js';
import type { Violation } from './violation.js';
import { World } from './world.js';

/** One simulation, known by its seed; or less of it. */
export interface SimulationCase {
  readonly seed: number;
  /** The only steps of its script to run. Default: all. */
  readonly keep?: readonly number[] | undefined;
  /** Faults that the world does not have. Default: none is left out. */
  readonly without?: readonly FaultKind[] | undefined;
  /** The one thing that goes wrong. Default: whatever the seed says does. */
  readonly single?: SingleFault | undefined;
  /**
   * The one crash, in a world where nothing else goes wrong but what its script says. Default: none but those of the script.
   */
  readonly crash?: CrashPoint | undefined;
}

/** Bounds of a simulation; for {@link simulate}. */
export interface SimulationOptions {
  /** Operations of all clients together, at most. Most simulations have fewer. Default: 2000. */
  readonly maxSteps?: number;
  /** Sectors of the device, at most. Default: 96. */
  readonly maxSectors?: number;
  /** Bytes in a sector. Default: 512. */
  readonly sectorSize?: number;
  /** Whether to keep a description of each event. Default: false. */
  readonly keepsLog?: boolean;
  /**
   * Chooses what happens next: a call of the medium, or that the clock moves on to the next timer. fast-check's scheduler is one.
   * Default: time and chance, from the seed.
   */
  readonly scheduler?: TaskScheduler;
}

/** What a simulation did, and the clause that it broke, if any. */
export interface SimulationOutcome {
  readonly case: SimulationCase;
  /** Steps of the script that ran. */
  readonly script: readonly ScriptStep[];
  /** Operations of clients that were called, and calls of media that settled. */
  readonly steps: number;
  /** Simulated milliseconds. */
  readonly simulatedMs: number;
  /** Calls of media. */
  readonly calls: number;
  /** Failures that were made up. */
  readonly injected: number;
  /** Of all events: the same case gives the same number. */
  readonly hash: number;
  readonly violation: Violation | undefined;
  /** Descriptions of the events, if they were to be kept. */
  readonly log: readonly string[];
}

const STEPS_MAX = 2000;
/** Far from every seed that a caller would choose. */
const EXTRAS_SEED = 2 ** 48;
const SECTORS_MIN = 8;
const SECTORS_MAX = 96;
const SECTOR_SIZE = 512;

/**
 * Runs one simulation to its end, or to the first broken clause. Never rejects for a fault of the subject.
 *
 * @example
 * ```ts
 * import { connectCache } from '@blockyard/cache';
 * import { overSimulatedBase, simulate } from '@blockyard/conformance/simulator';
 *
 * const subject = overSimulatedBase('cache', (base, _, { clock }) => connectCache(base, { clock }));
 * const { violation } = await simulate(subject, { seed: 1 }, { maxSteps: 200 });
 * console.log(violation); // undefined
 * ```
 */
export async function simulate(
  subject: SimulationSubject,
  which: SimulationCase,
  options: SimulationOptions = {},
): Promise<SimulationOutcome> {
  const random = new Random(which.seed);
  const sectorSize = options.sectorSize ?? SECTOR_SIZE;
  const sizeSectors = random.between(SECTORS_MIN, options.maxSectors ?? SECTORS_MAX);
  const drawn = drawScript(random.fork(), { sizeSectors, maxSteps: options.maxSteps ?? STEPS_MAX });
  const all = withExtras(drawn, new Random(which.seed + EXTRAS_SEED), sizeSectors);
  const { keep } = which;
  const script = keep === undefined ? all : all.filter((_, i) => keep.includes(i));
  const { without, single, crash } = which;
  const world = new World(
    random.below(2 ** 32),
    { sectorSize, sizeSectors },
    { without, single, crash, keepsLog: options.keepsLog, scheduler: options.scheduler },
  );
  const system = await subject.create(world);
  const violation = await new Simulation(world, system).run(script);
  const { steps, hash, lines } = world.log;
  return {
    case: which,
    script,
    steps,
    simulatedMs: world.time.now(),
    calls: world.calls,
    injected: world.injected,
    hash,
    violation,
    log: lines,
  };
}
