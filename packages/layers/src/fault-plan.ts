import {
  BLOCK_ERROR_CODES,
  type BlockErrorCode,
  checkFunction,
  checkInteger,
  checkIntegerBetween,
  checkNumberBetween,
  checkOptionNames,
  type KnownOptions,
  type Operation,
  type SectorRange,
} from '@blockyard/block';
import { mersenne } from 'pure-rand/generator/mersenne';
import { invalid } from './check.js';

/**
 * What is done to a call:
 * - `failBefore`: it fails and does nothing;
 * - `failAfter`: it is carried out and fails all the same, like a request whose answer was lost;
 * - `tear`: it is carried out on the first of its sectors only, and fails;
 * - `hang`: it waits until it is released, and is carried out then;
 * - `lie`: it succeeds and does nothing. A read leaves the caller's buffers as they are.
 */
export type FaultAction = 'failBefore' | 'failAfter' | 'tear' | 'hang' | 'lie';

/** A call as rules see it. */
export interface FaultCall {
  readonly operation: Operation;
  /** Its sectors, if it has a range. */
  readonly range: SectorRange | undefined;
}

/** What goes wrong, with which calls. A rule without `range`, `when` and `nth` is for all calls of its operations. */
export interface FaultRule {
  readonly action: FaultAction;
  /** Operations that it is for. */
  readonly operation: Operation | readonly Operation[];
  /** Only calls that touch these sectors. Default: all. */
  readonly range?: SectorRange;
  /** Only calls for which this returns true. Default: all. */
  readonly when?: (call: FaultCall) => boolean;
  /** Only the nth of the calls that match all of the above, from 1. */
  readonly nth?: number;
  /** Only this share of them, from 0 to 1, chosen by the seed. It excludes `nth`. Without either, all of them. */
  readonly probability?: number;
  /** Calls that it applies to, at most. Default: unlimited. */
  readonly maxTimes?: number;
  /** The code of the error. Default: `IO`. */
  readonly code?: BlockErrorCode;
  /** Sectors that `tear` carries out. Default: some, but not all, chosen by the seed. */
  readonly tornSectors?: number;
}

/** What was decided about one call. */
export interface Strike {
  readonly rule: FaultRule;
  /** The rule's place in the list. */
  readonly ruleIndex: number;
  /** For `tear`: how many sectors are done. */
  readonly tornSectors: number | undefined;
}

const KNOWN: KnownOptions<FaultRule> = {
  action: true,
  operation: true,
  range: true,
  when: true,
  nth: true,
  probability: true,
  maxTimes: true,
  code: true,
  tornSectors: true,
};

/**
 * Actions that each operation can have. The result of `extents` cannot be made up, and a `disconnect` that lies would leave the
 * base open.
 */
const ACTIONS: { readonly [O in Operation]: readonly FaultAction[] } = {
  read: ['failBefore', 'failAfter', 'hang', 'lie'],
  write: ['failBefore', 'failAfter', 'tear', 'hang', 'lie'],
  flush: ['failBefore', 'failAfter', 'hang', 'lie'],
  resize: ['failBefore', 'failAfter', 'hang', 'lie'],
  discard: ['failBefore', 'failAfter', 'tear', 'hang', 'lie'],
  writeZeroes: ['failBefore', 'failAfter', 'tear', 'hang', 'lie'],
  extents: ['failBefore', 'failAfter', 'hang'],
  disconnect: ['failBefore', 'failAfter', 'hang'],
};

interface RuleState {
  readonly rule: FaultRule;
  readonly operations: readonly Operation[];
  /** Calls that the rule is for, so far, and how many of them it struck. */
  matches: number;
  strikes: number;
}

/** Decides, call by call, what goes wrong: always the same for the same rules, seed and order of calls. */
export class FaultPlan {
  readonly #rules: readonly RuleState[];
  readonly #random: () => number;

  /** Throws `INVALID_ARGUMENT` if a rule makes no sense. */
  constructor(rules: readonly FaultRule[], seed: number) {
    if (!Array.isArray(rules)) throw invalid('rules must be an array');
    checkInteger(seed, 'seed');
    this.#rules = rules.map((rule: FaultRule, index) => {
      checkRule(rule, `rules[${index}]`);
      return { rule: { ...rule }, operations: operationsOf(rule), matches: 0, strikes: 0 };
    });
    this.#random = randomOf(seed);
  }

  /** The first rule that strikes does so. All of them count the call. */
  decide(call: FaultCall): Strike | undefined {
    let strike: Strike | undefined;
    for (const [ruleIndex, state] of this.#rules.entries()) {
      const { rule } = state;
      if (!state.operations.includes(call.operation) || !concerns(rule, call)) continue;
      state.matches++;
      const due = this.#isDue(rule, state.matches) && state.strikes < (rule.maxTimes ?? Number.POSITIVE_INFINITY);
      if (!due || strike !== undefined) continue;
      state.strikes++;
      strike = { rule, ruleIndex, tornSectors: this.#tornSectors(rule, call) };
    }
    return strike;
  }

  #isDue({ nth, probability }: FaultRule, count: number): boolean {
    if (nth !== undefined) return count === nth;
    return probability === undefined || this.#random() < probability;
  }

  #tornSectors(rule: FaultRule, { range }: FaultCall): number | undefined {
    if (rule.action !== 'tear' || range === undefined) return undefined;
    // A single sector is never torn: it is not done at all.
    if (rule.tornSectors === undefined) return Math.ceil(this.#random() * (range.count - 1));
    return Math.min(rule.tornSectors, range.count);
  }
}

/** Numbers from 0 up to but not including 1, the same for the same seed on every machine. */
function randomOf(seed: number): () => number {
  const generator = mersenne(seed);
  return () => (generator.next() >>> 0) / 2 ** 32;
}

function operationsOf({ operation }: FaultRule): readonly Operation[] {
  return typeof operation === 'string' ? [operation] : operation.slice();
}

function concerns({ range, when }: FaultRule, call: FaultCall): boolean {
  if (range !== undefined && !overlaps(range, call.range)) return false;
  return when === undefined || when(call);
}

function overlaps(a: SectorRange, b: SectorRange | undefined): boolean {
  return b !== undefined && a.start < b.start + b.count && b.start < a.start + a.count;
}

function checkRule(rule: FaultRule, what: string): void {
  checkOptionNames(rule, KNOWN, what);
  const { operation, action, when, nth, probability, maxTimes, code, range, tornSectors } = rule;
  if (typeof operation !== 'string' && !Array.isArray(operation)) throw invalid(`${what}.operation names no operation`);
  for (const each of operationsOf(rule)) checkAction(each, action, what);
  if (when !== undefined) checkFunction(when, `${what}.when`);
  if (nth !== undefined && probability !== undefined) throw invalid(`${what}: nth or probability, not both`);
  if (nth !== undefined) checkIntegerBetween(nth, `${what}.nth`, 1);
  if (probability !== undefined) checkNumberBetween(probability, `${what}.probability`, 0, 1);
  if (maxTimes !== undefined) checkIntegerBetween(maxTimes, `${what}.maxTimes`, 1);
  if (tornSectors !== undefined) checkInteger(tornSectors, `${what}.tornSectors`);
  if (range !== undefined) {
    checkOptionNames(range, { start: true, count: true }, `${what}.range`);
    checkInteger(range.start, `${what}.range.start`);
    checkInteger(range.count, `${what}.range.count`);
  }
  if (code !== undefined && !BLOCK_ERROR_CODES.includes(code)) throw invalid(`${what}: there is no code ${code}`);
}

function checkAction(operation: Operation, action: FaultAction, what: string): void {
  if (!Object.hasOwn(ACTIONS, operation)) throw invalid(`${what}: there is no operation ${operation}`);
  const actions = ACTIONS[operation];
  if (!actions.includes(action)) throw invalid(`${what}: ${operation} can ${actions.join(', ')}, not ${action}`);
}
