/** How cells lie on the canvas, in CSS pixels, row by row from the left. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** Width and height of a cell with its gap. */
  readonly pitch: number;
}

/** Cells of this size are asked for; where there are fewer they are larger. */
const PITCH_MIN = 8;
const PITCH_MAX = 48;

/** Most cells that a canvas of this size has. */
export function capacityOf(width: number, height: number): number {
  return Math.max(1, Math.floor(width / PITCH_MIN) * Math.floor(height / PITCH_MIN));
}

/** The largest cells of which so many fit. */
export function gridOf(width: number, height: number, cells: number): Grid {
  let pitch = Math.min(PITCH_MAX, Math.max(PITCH_MIN, Math.floor(Math.sqrt((width * height) / Math.max(1, cells)))));
  while (pitch > PITCH_MIN && Math.floor(width / pitch) * Math.floor(height / pitch) < cells) pitch--;
  const columns = Math.max(1, Math.floor(width / pitch));
  return { columns, rows: Math.ceil(cells / columns), pitch };
}

/** The cell at a place on the canvas, or undefined. */
export function cellAt({ columns, pitch }: Grid, cells: number, x: number, y: number): number | undefined {
  const column = Math.floor(x / pitch);
  const cell = Math.floor(y / pitch) * columns + column;
  return column >= 0 && column < columns && cell >= 0 && cell < cells ? cell : undefined;
}
