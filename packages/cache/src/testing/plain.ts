import type { SectorMasks } from '../tables/sector-masks.js';

/** Arguments of which each number of one kind may be a plain one. */
type PlainArguments<Arguments extends unknown[]> = {
  [Index in keyof Arguments]: Arguments[Index] extends number ? number : Arguments[Index];
};

type Plain<T> = {
  [Name in keyof T]: T[Name] extends (...parameters: infer Arguments) => infer Result
    ? (...parameters: PlainArguments<Arguments>) => Result
    : T[Name] extends SectorMasks
      ? Plain<T[Name]>
      : T[Name];
};

/** The same object, whose methods take plain numbers for lines, entries, slots and sectors: tests write them as literals. */
export function plain<T>(value: T): Plain<T> {
  return value as unknown as Plain<T>;
}
