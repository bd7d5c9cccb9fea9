import type { SimulationCase, SimulationOutcome } from '@blockyard/conformance/simulator';
import { STEPS_MAX } from './arguments.js';

/** A case that broke a clause, for people. `smaller` is what was left of it. */
export function describeFailure(
  subject: string,
  found: SimulationOutcome,
  smaller: SimulationOutcome,
  maxSteps: number,
): string {
  return [
    `${subject}: ${found.violation?.message}`,
    `  seed ${found.case.seed}, step ${found.steps}, after ${found.simulatedMs} ms of its time`,
    `  again: ${commandFor(subject, found.case, maxSteps)}`,
    `  made smaller, ${smaller.script.length} of ${found.script.length} operations: ${smaller.violation?.message}`,
    `  again: ${commandFor(subject, smaller.case, maxSteps)} --log`,
    '',
  ].join('\n');
}

export function commandFor(subject: string, { seed, keep, without }: SimulationCase, maxSteps: number): string {
  const parts = [`npm run simulate -- --subject ${subject} --seed ${seed}`];
  if (maxSteps !== STEPS_MAX) parts.push(`--max-steps ${maxSteps}`);
  if (keep !== undefined) parts.push(`--keep ${describeSteps(keep)}`);
  if (without !== undefined && without.length > 0) parts.push(`--without ${without.join(',')}`);
  return parts.join(' ');
}

/** `3,7,9-12` */
export function describeSteps(steps: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const step of steps) {
    const last = runs.at(-1);
    if (last?.[1] === step - 1) last[1] = step;
    else runs.push([step, step]);
  }
  return runs.length === 0 ? 'none' : runs.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(',');
}
