import type { EvictionPolicy } from '../eviction/policy.js';

/** Evicts until the policy is within its capacity. Returns the keys that left. */
export function evictSurplus(policy: EvictionPolicy): number[] {
  const left: number[] = [];
  while (policy.resident > policy.capacity) {
    const victim = policy.victim();
    left.push(policy.keyOf(victim));
    policy.forget(victim, true);
  }
  return left;
}
