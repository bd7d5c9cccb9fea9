/** Fewer hits than this say nothing about a side. */
const HITS_MIN = 8;
/** How many times as many hits a line the window must get to be much the denser side, and how many times main must. */
const WINDOW_TIMES = 24;
const MAIN_TIMES = 16;

/**
 * The side of the border between window and main whose lines are hit many times as often as the other's, or `undefined` where
 * neither is. The other side counts as hit once at least.
 *
 * Ghosts move the border a line at a time. That is right while readers stay; when they go elsewhere nearly all of one side is of
 * no more use to anyone, and this tells it at once.
 */
export function denserSide(
  windowHits: number,
  windowLines: number,
  mainHits: number,
  mainLines: number,
): 'window' | 'main' | undefined {
  if (isDenser(windowHits, windowLines, mainHits, mainLines, WINDOW_TIMES)) return 'window';
  return isDenser(mainHits, mainLines, windowHits, windowLines, MAIN_TIMES) ? 'main' : undefined;
}

function isDenser(hits: number, lines: number, otherHits: number, otherLines: number, times: number): boolean {
  if (hits < HITS_MIN) return false;
  return hits / Math.max(1, lines) > (times * (otherHits + 1)) / Math.max(1, otherLines);
}
