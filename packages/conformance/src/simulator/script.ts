import type { RangeStep, Step } from '../workload.js';
import type { Random } from './random.js';

/** What one client does next, once what it did last is over. */
export interface ScriptStep {
  readonly client: number;
  /** Milliseconds between the end of the last step and this one. */
  readonly thinkMs: number;
  readonly step: Step | Ending;
}

/** The device ends and is opened again: disconnected, given up by force, or in a crash. */
export interface Ending {
  readonly kind: 'reopen' | 'force' | 'crash';
}

export function isEnding(step: Step | Ending): step is Ending {
  return step.kind === 'reopen' || step.kind === 'force' || step.kind === 'crash';
}

export interface ScriptOptions {
  readonly sizeSectors: number;
  readonly stepsMax: number;
}

const CLIENTS_MAX = 8;
const STEPS_MIN = 10;
const THINK_MS_MAX = 300;
const RANGE_SECTORS = 8;

const KINDS = ['read', 'write', 'discard', 'writeZeroes', 'extents', 'flushRange'] as const;
const WEIGHTS: Readonly<Record<Step['kind'] | Ending['kind'], number>> = {
  write: 10,
  read: 7,
  discard: 2,
  writeZeroes: 2,
  extents: 1,
  flushRange: 1,
  flush: 2,
  resize: 0.7,
  reopen: 0.15,
  force: 0.1,
  crash: 0.25,
};

/** How the clients of one world behave. Each world has a mixture of its own, and lacks some operations altogether. */
interface Manner {
  readonly kinds: readonly { readonly kind: Step['kind'] | Ending['kind']; readonly upTo: number }[];
  readonly clients: number;
  readonly thinks: number;
  readonly thinkMsMax: number;
  /** Sectors that most operations are about. */
  readonly hotStart: number;
  readonly hotSectors: number;
  readonly hot: number;
  readonly longs: number;
}

/** What the clients do, all drawn beforehand, so that steps can be left out without changing the others. */
export function drawScript(random: Random, { sizeSectors, stepsMax }: ScriptOptions): ScriptStep[] {
  const manner = drawManner(random, sizeSectors);
  const count = random.magnitude(STEPS_MIN, stepsMax);
  return Array.from({ length: count }, () => ({
    client: random.below(manner.clients),
    thinkMs: random.chance(manner.thinks) ? random.between(1, manner.thinkMsMax) : 0,
    step: drawStep(random, manner, sizeSectors),
  }));
}

function drawManner(random: Random, sizeSectors: number): Manner {
  let upTo = 0;
  const kinds: { kind: Step['kind'] | Ending['kind']; upTo: number }[] = [];
  for (const [kind, weight] of Object.entries(WEIGHTS)) {
    const usual = random.chance(0.8) || kind === 'write';
    upTo += usual ? weight * random.pick([0.3, 1, 1, 3]) : 0;
    kinds.push({ kind: kind as Step['kind'], upTo });
  }
  const hotSectors = random.magnitude(1, sizeSectors);
  return {
    kinds: kinds.map((each) => ({ ...each, upTo: each.upTo / upTo })),
    clients: random.between(1, CLIENTS_MAX),
    thinks: random.pick([0, 0.1, 0.5, 1]),
    thinkMsMax: random.magnitude(1, THINK_MS_MAX),
    hotStart: random.below(sizeSectors),
    hotSectors,
    hot: random.pick([0, 0.5, 0.9]),
    longs: random.pick([0.02, 0.1, 0.3]),
  };
}

function drawStep(random: Random, manner: Manner, sizeSectors: number): Step | Ending {
  const at = random.below(2 ** 32) / 2 ** 32;
  const kind = manner.kinds.find(({ upTo }) => at < upTo)?.kind ?? 'write';
  if (kind === 'reopen' || kind === 'force' || kind === 'crash') return { kind };
  if (kind === 'flush') return { kind, turns: 0 };
  if (kind === 'resize') return { kind, sectors: random.between(1, Math.ceil(sizeSectors * 1.5)), turns: 0 };
  return { ...drawRange(random, manner, sizeSectors, kind), turns: 0 };
}

function drawRange(random: Random, manner: Manner, sizeSectors: number, kind: (typeof KINDS)[number]): RangeStep {
  const isHot = random.chance(manner.hot);
  const at = isHot ? manner.hotStart + random.below(manner.hotSectors) : random.below(sizeSectors);
  const sectors = random.chance(manner.longs) ? random.between(1, sizeSectors) : random.between(1, RANGE_SECTORS);
  return { kind, at, sectors, cut: random.between(1, RANGE_SECTORS) };
}
