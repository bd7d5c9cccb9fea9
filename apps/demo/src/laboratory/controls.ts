import { BlockError } from '@blockyard/block';
import type { Control, Controls, ControlValue } from '@blockyard/page';
import type { Laboratory } from './laboratory.js';
import { CACHE_BYTES, hasPast, LATENCY_MS, type LabBackend, type Layout, RATE } from './setup/setup.js';
import { WORKLOADS } from './workloads/all.js';

/** One control: how it is shown, why it may not be used now, and what it does. */
interface Definition extends Omit<Control, 'isEnabled' | 'why' | 'value' | 'choices'> {
  readonly value?: (laboratory: Laboratory) => ControlValue;
  readonly choices?: (laboratory: Laboratory) => NonNullable<Control['choices']>;
  /** The first that applies is told. */
  readonly refusals: readonly Refusal[];
  set(laboratory: Laboratory, value: ControlValue | undefined): void | Promise<void>;
}

type Refusal = (laboratory: Laboratory) => string | undefined;

const whileChanging: Refusal = ({ changing }) => (changing === undefined ? undefined : `Wait: ${changing}.`);
const whileCut: Refusal = ({ isCut }) => (isCut ? 'The store is cut off. Bring it back first.' : undefined);
const whileDown: Refusal = ({ bench }) => (bench.isServing ? undefined : 'The server is down. Start it again first.');
const withoutCache: Refusal = ({ setup }) => (setup.hasCache ? undefined : 'There is no cache.');
const withoutPast: Refusal = ({ setup }) =>
  hasPast(setup) ? undefined : 'Only a volume that is laid out as a log has snapshots.';
const withoutSnapshot: Refusal = ({ hasSnapshot }) => (hasSnapshot ? undefined : 'Take a snapshot first.');

const BACKENDS: readonly { readonly value: LabBackend; readonly label: string }[] = [
  { value: 'memory', label: 'Memory' },
  { value: 'file', label: 'Local disk' },
  { value: 's3', label: 'S3, a local store' },
];
const LAYOUTS: Readonly<Record<'file' | 's3', readonly { readonly value: Layout; readonly label: string }[]>> = {
  file: [
    { value: 'chunks', label: 'A plain file' },
    { value: 'log', label: 'A log' },
  ],
  s3: [
    { value: 'chunks', label: 'Chunks of 1 MiB' },
    { value: 'log', label: 'A log' },
  ],
};

const layoutsOf = ({ setup }: Laboratory) => LAYOUTS[setup.backend === 's3' ? 's3' : 'file'];

const DEFINITIONS: readonly Definition[] = [
  {
    id: 'workload',
    group: 'Workload',
    label: 'Workload',
    help: 'What a program does to the volume. Every read is compared with what was written.',
    kind: 'choice',
    value: ({ workload }) => workload.name,
    choices: () => WORKLOADS.map(({ name, label }) => ({ value: name, label })),
    refusals: [
      whileChanging,
      ({ bench }) =>
        bench.runner.canChange ? undefined : 'What the workloads before have begun still waits for the store.',
    ],
    set(laboratory, value) {
      const chosen = WORKLOADS.find(({ name }) => name === value);
      if (chosen !== undefined) laboratory.setWorkload(chosen);
    },
  },
  {
    id: 'rate',
    group: 'Workload',
    label: 'Reads and writes a second',
    help: 'How many the workload begins, if those before do not take too long.',
    kind: 'range',
    ...RATE,
    value: ({ ratePerSecond }) => ratePerSecond,
    refusals: [],
    set: (laboratory, value) => laboratory.setRate(Number(value)),
  },
  {
    id: 'flush',
    group: 'Workload',
    label: 'Flush',
    help: 'Makes everything durable that was written up to now.',
    kind: 'action',
    refusals: [whileChanging, whileDown, ({ isFlushing }) => (isFlushing ? 'A flush is under way.' : undefined)],
    set: (laboratory) => laboratory.flush(),
  },
  {
    id: 'check',
    group: 'Workload',
    label: 'Read everything and compare',
    help: 'Stops the workload, reads the whole volume, and compares it with what was written.',
    kind: 'action',
    refusals: [whileChanging, whileCut, whileDown],
    set: (laboratory) => laboratory.check(),
  },
  {
    id: 'backend',
    group: 'Volume',
    label: 'Backend',
    help: 'Where the data are. Another one is another volume.',
    kind: 'choice',
    value: ({ setup }) => setup.backend,
    choices: () => BACKENDS,
    refusals: [whileChanging, whileCut],
    set: (laboratory, value) => laboratory.setUp({ ...laboratory.setup, backend: value as LabBackend }),
  },
  {
    id: 'layout',
    group: 'Volume',
    label: 'Layout',
    help: 'How the volume lies there. Another one is another volume.',
    kind: 'choice',
    value: ({ setup }) => setup.layout,
    choices: layoutsOf,
    refusals: [
      whileChanging,
      whileCut,
      ({ setup }) => (setup.backend === 'memory' ? 'Memory has no layout.' : undefined),
    ],
    set: (laboratory, value) => laboratory.setUp({ ...laboratory.setup, layout: value as Layout }),
  },
  {
    id: 'latency',
    group: 'Volume',
    label: 'Added latency',
    help: 'How much longer each request to the backend takes, as if that were far away.',
    kind: 'range',
    ...LATENCY_MS,
    unit: 'ms',
    value: ({ latencyMs }) => latencyMs,
    refusals: [whileChanging],
    set: (laboratory, value) => laboratory.setLatencyMs(Number(value)),
  },
  {
    id: 'cache',
    group: 'Cache',
    label: 'Cache',
    help: 'A write-back cache in memory, before the backend.',
    kind: 'switch',
    value: ({ setup }) => setup.hasCache,
    refusals: [whileChanging, whileCut, whileDown],
    set: (laboratory, value) => laboratory.setUp({ ...laboratory.setup, hasCache: value === true }),
  },
  {
    id: 'cache-size',
    group: 'Cache',
    label: 'Size of the cache',
    help: 'All that it holds: data and bookkeeping. It changes while the cache works.',
    kind: 'range',
    ...CACHE_BYTES,
    unit: 'bytes',
    value: ({ setup }) => setup.cacheBytes,
    refusals: [whileChanging, withoutCache, whileDown],
    set: (laboratory, value) => laboratory.setCacheBytes(Number(value)),
  },
  {
    id: 'cut',
    group: 'Trouble',
    label: 'Cut the store off',
    help: 'Nothing reaches the backend, until it is brought back.',
    kind: 'switch',
    value: ({ isCut }) => isCut,
    refusals: [whileChanging, whileDown],
    set: (laboratory, value) => (value === true ? laboratory.cutOff() : laboratory.bringBack()),
  },
  {
    id: 'kill',
    group: 'Trouble',
    label: 'Kill and restart',
    help: 'Kills the process that serves the volume (SIGKILL), starts another, and looks for every flushed byte.',
    kind: 'action',
    refusals: [
      whileChanging,
      whileCut,
      ({ setup }) => (setup.backend === 'memory' ? 'What is in memory ends with the process.' : undefined),
    ],
    set: (laboratory) => laboratory.killAndRestart(),
  },
  {
    id: 'snapshot',
    group: 'The past',
    label: 'Take a snapshot',
    help: 'Keeps what the volume has now. The snapshot before is given up.',
    kind: 'action',
    refusals: [whileChanging, withoutPast, whileCut, whileDown],
    set: (laboratory) => laboratory.takeSnapshot(),
  },
  {
    id: 'break',
    group: 'The past',
    label: 'Break something',
    help: 'Writes over a quarter of the volume, as a faulty program would.',
    kind: 'action',
    refusals: [whileChanging, withoutPast, withoutSnapshot, whileCut, whileDown],
    set: (laboratory) => laboratory.breakSomething(),
  },
  {
    id: 'roll-back',
    group: 'The past',
    label: 'Roll back',
    help: 'Makes the volume what it was at the snapshot, reads it, and compares.',
    kind: 'action',
    refusals: [whileChanging, withoutPast, withoutSnapshot, whileCut, whileDown],
    set: (laboratory) => laboratory.rollBack(),
  },
];

/** What can be done to the laboratory, on its page. */
export function controlsOf(laboratory: Laboratory): Controls {
  return {
    list: () => DEFINITIONS.map((definition) => shown(definition, laboratory)),
    async set(id, value) {
      const definition = DEFINITIONS.find((each) => each.id === id);
      if (definition === undefined) throw new BlockError('INVALID_ARGUMENT', 'there is no such control');
      const control = shown(definition, laboratory);
      if (!control.isEnabled) throw new BlockError('LOCKED', control.why ?? 'not now', { retryable: true });
      checkValue(control, value);
      if (control.kind !== 'action' && control.value === value) return;
      await definition.set(laboratory, value);
    },
    story: () => laboratory.story.lines,
  };
}

function shown({ refusals, value, choices, set: _, ...fixed }: Definition, laboratory: Laboratory): Control {
  const why = refusals.map((refusal) => refusal(laboratory)).find((each) => each !== undefined);
  return {
    ...fixed,
    ...(value === undefined ? {} : { value: value(laboratory) }),
    ...(choices === undefined ? {} : { choices: choices(laboratory) }),
    isEnabled: why === undefined,
    ...(why === undefined ? {} : { why }),
  };
}

/** Throws `INVALID_ARGUMENT` unless the control can have this value. */
function checkValue(
  { label, kind, choices = [], min = 0, max = 100, step = 1 }: Control,
  value: ControlValue | undefined,
): void {
  const isRight = {
    action: () => true,
    text: () => typeof value === 'string',
    switch: () => typeof value === 'boolean',
    choice: () => choices.some((choice) => choice.value === value),
    range: () => typeof value === 'number' && value >= min && value <= max && (value - min) % step === 0,
  };
  if (!isRight[kind]()) throw new BlockError('INVALID_ARGUMENT', `that is not a value of "${label}"`);
}
