import type { Case, Need } from './case.js';
import { tellsResources } from './leftovers.js';
import { nodeBuffer, otherRealm } from './platform.js';
import type { Subject } from './subject.js';

/** Why the cases of a need do not apply to a subject, by its own fields, or here; undefined if they do. */
const REASONS: Readonly<Record<Need, (subject: Subject) => string | undefined>> = {
  persistent: ({ persistent }) => (persistent ? undefined : 'of volumes that are opened again: persistent is false'),
  readOnly: ({ readOnly = true }) => (readOnly ? undefined : 'of read-only devices: readOnly is false'),
  prefixConsistent: ({ prefixConsistent = false }) =>
    prefixConsistent ? undefined : 'of the order of writes across crashes: prefixConsistent is false',
  resizable: ({ resizable = true }) => (resizable ? undefined : 'of resizing: resizable is false'),
  fixedSize: ({ resizable = true }) => (resizable ? 'of devices of one size: resizable is not false' : undefined),
  huge: ({ hugeSectors }) => (hugeSectors === undefined ? 'of huge volumes: hugeSectors is not given' : undefined),
  longWrites: ({ longWrites = false }) =>
    longWrites ? undefined : 'of writes of more than 2 GiB: longWrites is false',
  wrap: ({ wrap }) => (wrap === undefined ? 'of a base that is held up and fails: wrap is not given' : undefined),
  nodeBuffer: () => (nodeBuffer() === undefined ? 'of the buffers of Node: this is not Node' : undefined),
  realms: () => (otherRealm() === undefined ? 'of memory of another realm: there is no way to one' : undefined),
  sharedMemory: () =>
    globalThis.SharedArrayBuffer === undefined ? 'of shared memory: SharedArrayBuffer is not there' : undefined,
  resources: () => (tellsResources() ? undefined : 'of what is left open: neither Node nor Linux is there to tell'),
};

/** The cases that fit the subject, and a line for each group of those that do not. */
export function chooseCases(
  subject: Subject,
  cases: readonly Case[],
): { readonly chosen: readonly Case[]; readonly leftOut: readonly string[] } {
  const counts = new Map<string, number>();
  const chosen = cases.filter(({ needs = [] }) => {
    const [reason] = needs.flatMap((need) => REASONS[need](subject) ?? []);
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return reason === undefined;
  });
  const leftOut = [...counts].map(
    ([reason, count]) => `left out: ${count} ${count === 1 ? 'case' : 'cases'} ${reason}`,
  );
  return { chosen, leftOut };
}
