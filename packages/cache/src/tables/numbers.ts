declare const kind: unique symbol;

/** A number of one kind: one of another kind, or a plain one, does not compile in its place. At run time it is a number. */
type NumberOf<Kind extends string> = number & { readonly [kind]: Kind };

/** A sector of the device. Places within a line are plain numbers, in sectors of the line. */
export type Sector = NumberOf<'sector'>;

/** A line of the device: the sectors from `line * sectorsPerLine` on. */
export type Line = NumberOf<'line'>;

/** The record of a line in every table, as the policy numbers them; -1 for none. */
export type Entry = NumberOf<'entry'>;

/** A place for a line in memory, as the slabs number them; -1 for none. */
export type Slot = NumberOf<'slot'>;

export const NO_ENTRY = -1 as Entry;
export const NO_SLOT = -1 as Slot;
/** Where no device reaches. */
export const LAST_SECTOR = Number.MAX_SAFE_INTEGER as Sector;
