import type { EvictionPolicy } from '@blockyard/cache/policies';
import type { Accesses } from './accesses.js';

/** Misses of a policy on a list of accesses, driven as the cache drives it: one use for each line of each request. */
export function policyMisses({ keys }: Accesses, policy: EvictionPolicy): number {
  let misses = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    const entry = policy.find(key);
    if (entry >= 0) {
      policy.touch(entry);
      continue;
    }
    misses++;
    policy.insert(key);
    while (policy.resident > policy.capacity) policy.forget(policy.victim(), true);
  }
  return misses;
}
