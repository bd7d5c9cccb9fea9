/** Hits on one side of the border between window and main, and the lines that they fell on. */
export interface Side {
  readonly hits: number;
  readonly lines: number;
}

/** Fewer hits than this say nothing about a side. */
const HITS_MIN = 8;
/** How many times as many hits a line the window must get to be much the denser side, and how many times main must. */
const WINDOW_TIMES = 24;
const MAIN_TIMES = 16;

/**
 * The side of the border whose lines are hit many times as often as the other's, or `undefined` where neither is. The other side
 * counts as hit once at least.
 *
 * Ghosts move the border a line at a time. That is right while readers stay; when they go elsewhere nearly all of one side is of
 * no more use to anyone, and this tells it at once.
 */
export function denserSide(window: Side, main: Side): 'window' | 'main' | undefined {
  if (isDenser(window, main, WINDOW_TIMES)) return 'window';
  return isDenser(main, window, MAIN_TIMES) ? 'main' : undefined;
}

function isDenser(side: Side, other: Side, times: number): boolean {
  const density = side.hits / Math.max(1, side.lines);
  const otherDensity = (other.hits + 1) / Math.max(1, other.lines);
  return side.hits >= HITS_MIN && density > times * otherDensity;
}
