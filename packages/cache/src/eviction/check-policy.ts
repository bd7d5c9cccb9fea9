import { BlockError } from '@blockyard/block';
import type { EvictionPolicy, PolicyFactory, PolicyOptions } from './policy.js';

type Gauge = 'capacity' | 'resident' | 'parked' | 'entriesMax' | 'byteLength';

/** As a record, so that one left out does not compile. With what each is called, for those whose policy lacks it. */
const METHODS: Readonly<Record<Exclude<keyof EvictionPolicy, Gauge>, string>> = {
  find: 'find(key)',
  keyOf: 'keyOf(entry)',
  touch: 'touch(entry)',
  insert: 'insert(key, quiet, heat)',
  heatOf: 'heatOf(entry)',
  pin: 'pin(entry)',
  unpin: 'unpin(entry)',
  victim: 'victim()',
  forget: 'forget(entry, ghost)',
  park: 'park(entry)',
  isParked: 'isParked(entry)',
  setCapacity: 'setCapacity(lines, maxParked)',
  entries: 'entries(visit)',
};

/**
 * The policy that a caller's own function makes, if it is an empty one of the size that is asked for; throws `INVALID_ARGUMENT`
 * if not. What it does later is watched by `Lines`, where a wrong answer would lose data.
 */
export function policyOf(make: PolicyFactory, options: PolicyOptions): EvictionPolicy {
  const policy = attempt(make, options);
  const fault = faultOf(policy, options.capacity, options.maxParked ?? 0);
  if (fault !== undefined) throw invalid(fault);
  return policy;
}

function attempt(make: PolicyFactory, options: PolicyOptions): EvictionPolicy {
  try {
    return make(options);
  } catch (cause) {
    throw invalid('and not throw', cause);
  }
}

function invalid(fault: string, cause?: unknown): BlockError {
  return new BlockError('INVALID_ARGUMENT', `policy must make an eviction policy ${fault}`, {
    operation: 'connect',
    cause,
  });
}

function faultOf(policy: EvictionPolicy, capacity: number, maxParked: number): string | undefined {
  if (typeof policy !== 'object' || policy === null) return `and return it, not ${String(policy)}`;
  for (const [name, call] of Object.entries(METHODS) as [keyof typeof METHODS, string][]) {
    if (typeof policy[name] !== 'function') return `with the method ${call}`;
  }
  if (policy.capacity !== capacity) return `of capacity ${capacity}, not ${policy.capacity}`;
  if (policy.resident !== 0 || policy.parked !== 0 || policy.find(0) !== -1) return 'that is empty';
  const entries = capacity + maxParked;
  if (!isCount(policy.entriesMax, entries)) return `with at least ${entries} entries, not ${policy.entriesMax}`;
  if (!isCount(policy.byteLength, 0)) return `whose byteLength is a number of bytes, not ${policy.byteLength}`;
  return undefined;
}

function isCount(value: unknown, min: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min;
}
