/** Which mutant is switched on, and which are come past. Every file of a build imports this. */

/** The number of the mutant; -1 for none. */
export let stryActive = Number(process.env.BLOCKYARD_MUTANT ?? -1);
let hits = 0;
let hitsMax = Number.POSITIVE_INFINITY;
let counts = new Uint32Array(0);

export function switchOn(mutant, limit) {
  stryActive = mutant;
  hits = 0;
  hitsMax = limit;
}

export function switchOff() {
  stryActive = -1;
}

/** Whether the mutant that is on was come past so often that it must be in an endless loop. */
export function isLooping() {
  return hits > hitsMax;
}

export function stryHit() {
  if (++hits > hitsMax) throw new Error('the mutant is in an endless loop');
  return true;
}

export function stryCover(...mutants) {
  for (const mutant of mutants) {
    if (mutant >= counts.length) grow(mutant);
    counts[mutant] = (counts[mutant] ?? 0) + 1;
  }
}

/** How often each mutant was come past since the last call. */
export function takeCounts() {
  const taken = {};
  counts.forEach((count, mutant) => {
    if (count > 0) taken[mutant] = count;
  });
  counts.fill(0);
  return taken;
}

function grow(mutant) {
  const grown = new Uint32Array(2 * mutant + 64);
  grown.set(counts);
  counts = grown;
}
