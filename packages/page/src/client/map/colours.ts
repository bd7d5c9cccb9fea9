import { CELL_KINDS, type CellKind, LEVELS } from '../../shared/cells.js';

/** What each kind is called, and what it means. */
export const KIND_TEXTS: Readonly<Record<CellKind, { readonly name: string; readonly meaning: string }>> = {
  absent: { name: 'absent', meaning: 'not in the cache' },
  zero: { name: 'zero', meaning: 'known to be zeroes, and the device below has not been told' },
  tier: { name: 'on the tier', meaning: 'not in memory, but on the local disk' },
  clean: { name: 'clean', meaning: 'in the cache, as it is below' },
  evicted: { name: 'just evicted', meaning: 'left the cache a moment ago' },
  readingAhead: { name: 'read ahead', meaning: 'on its way in before it was asked for' },
  reading: { name: 'being read', meaning: 'on its way in' },
  dirty: { name: 'dirty', meaning: 'written, and the device below does not have it yet' },
  writing: { name: 'being written', meaning: 'on its way to the device below' },
};

/** The weakest level is still seen. */
const FLOOR = 0.42;

/** Colours of the page's theme: red, green, blue for each of the 256 cells. */
export function paletteOf(style: CSSStyleDeclaration): Uint8Array {
  const absent = rgbOf(style.getPropertyValue('--cell-absent'));
  const palette = new Uint8Array(256 * 3);
  CELL_KINDS.forEach((kind, index) => {
    const colour = rgbOf(style.getPropertyValue(`--cell-${kind}`));
    for (let level = 0; level < LEVELS; level++) {
      const part = kind === 'absent' ? 0 : FLOOR + ((1 - FLOOR) * level) / (LEVELS - 1);
      for (let i = 0; i < 3; i++) {
        const from = absent[i] ?? 0;
        palette[(index * LEVELS + level) * 3 + i] = Math.round(from + ((colour[i] ?? 0) - from) * part);
      }
    }
  });
  return palette;
}

/** `#rrggbb`. */
function rgbOf(text: string): readonly number[] {
  const value = Number.parseInt(text.trim().slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
