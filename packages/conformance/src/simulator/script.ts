import type { RangeStep, Step } from '../model/workload.js';
import type { Random } from './random.js';

/** What one client does next, once what it did last is over. */
export interface ScriptStep {
  readonly client: number;
  /** Milliseconds between the end of the last step and this one. */
  readonly thinkMs: number;
  readonly step: Step | Ending | ForcedResize | Action;
}

/** The device ends and is opened again: disconnected, given up by force, or in a crash. */
export interface Ending {
  readonly kind: 'reopen' | 'force' | 'crash';
}

/** The device is given up by force while it resizes; its process lives on. */
export interface ForcedResize {
  readonly kind: 'forceResize';
  /** The size that it was to get. */
  readonly sectors: number;
  /** Milliseconds between the two. */
  readonly afterMs: number;
}

/** Something that only some devices can do, and their subjects know about: a budget, a prefetch. */
export interface Action {
  readonly kind: 'action';
  /** Chooses what: 0 to before 1. */
  readonly which: number;
  /** As much or little of it: 0 to before 1. */
  readonly much: number;
  /** As in a step on a range. */
  readonly at: number;
  readonly sectors: number;
  /** Wait for the next resize of the medium to end, and then for this many microtasks. */
  readonly microtasksAfterResize?: number;
}

export function isEnding(step: ScriptStep['step']): step is Ending {
  return step.kind === 'reopen' || step.kind === 'force' || step.kind === 'crash';
}

export interface ScriptOptions {
  readonly sizeSectors: number;
  readonly maxSteps: number;
}

const UINT32 = 2 ** 32;
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

/** How the clients of one world behave. Each world has its own mixture, and lacks some operations altogether. */
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
export function drawScript(random: Random, { sizeSectors, maxSteps }: ScriptOptions): ScriptStep[] {
  const manner = drawManner(random, sizeSectors);
  const count = random.magnitude(STEPS_MIN, maxSteps);
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
  if (kind === 'flush') return { kind, macrotasks: 0 };
  if (kind === 'resize') return { kind, sectors: random.between(1, Math.ceil(sizeSectors * 1.5)), macrotasks: 0 };
  return { ...drawRange(random, manner, sizeSectors, kind), macrotasks: 0 };
}

function drawRange(random: Random, manner: Manner, sizeSectors: number, kind: (typeof KINDS)[number]): RangeStep {
  const isHot = random.chance(manner.hot);
  const at = isHot ? manner.hotStart + random.below(manner.hotSectors) : random.below(sizeSectors);
  const sectors = random.chance(manner.longs) ? random.between(1, sizeSectors) : random.between(1, RANGE_SECTORS);
  return { kind, at, sectors, bufferSectors: random.between(1, RANGE_SECTORS) };
}

/** Worlds that have them. */
const EXTRAS_OFTEN = 0.5;
const FORCED_RESIZES = 0.2;
const BESIDE_RESIZES = 0.4;
const MICROTASKS_MAX = 14;
const AFTER_MS_MAX = 300;

/**
 * Puts forced ends during resizes, and actions, between the steps of a script. They have a chance of their own, so that the
 * others stay what they were before there were any.
 */
export function withExtras(script: readonly ScriptStep[], random: Random, sizeSectors: number): ScriptStep[] {
  const all = [...script];
  if (!random.chance(EXTRAS_OFTEN)) return all;
  const count = random.magnitude(1, Math.ceil(script.length / 4));
  for (let i = 0; i < count; i++) {
    const at = random.below(all.length + 1);
    const step = random.chance(FORCED_RESIZES)
      ? drawForcedResize(random, sizeSectors)
      : drawAction(random, sizeSectors);
    const thinkMs = random.chance(0.5) ? random.between(1, AFTER_MS_MAX) : 0;
    all.splice(at, 0, { client: random.below(CLIENTS_MAX), thinkMs, step });
  }
  return all;
}

function drawForcedResize(random: Random, sizeSectors: number): ForcedResize {
  const sectors = random.between(1, Math.ceil(sizeSectors * 1.5));
  return { kind: 'forceResize', sectors, afterMs: random.chance(0.5) ? 0 : random.magnitude(1, AFTER_MS_MAX) };
}

function drawAction(random: Random, sizeSectors: number): Action {
  const action: Action = {
    kind: 'action',
    which: random.below(UINT32) / UINT32,
    much: random.below(UINT32) / UINT32,
    at: random.below(sizeSectors),
    sectors: random.between(1, sizeSectors),
  };
  return random.chance(BESIDE_RESIZES) ? { ...action, microtasksAfterResize: random.below(MICROTASKS_MAX) } : action;
}
