import { Option } from 'commander';
import type { Explaining } from './explaining.js';
import type { Explained } from './slowest.js';

/** So many of a run are told. */
const TOLD_MAX = 32;

export function explainOption(): Option {
  return new Option(
    '--explain',
    'tell what the slowest requests spent their time in, which costs some microseconds each',
  );
}

/** What a run has to tell, if it was asked to. Nothing is followed from then on. */
export function explained(explaining: Explaining | undefined): { readonly explained?: readonly Explained[] } {
  if (explaining === undefined) return {};
  explaining.end();
  return { explained: explaining.slowest.list().slice(0, TOLD_MAX) };
}
