import { rejects } from 'node:assert';
import { describe, test } from 'vitest';
import { conformanceCases, runCase } from '../conformance.js';
import { stamped } from '../model/stamp.js';
import { prefixSaboteurs } from '../saboteurs/prefixes.js';
import type { Case } from './case.js';
import { groupLogSubject } from './group-log-subject.js';
import type { Subject, Volume } from './subject.js';

const plain = conformanceCases().find(({ title }) => title.startsWith('D5: of writes one after another')) as Case;
const amid = conformanceCases().find(({ title }) => title.startsWith('D5: of random operations in flight')) as Case;

/** The subject with its volumes made different. */
function changed(subject: Subject, change: (volume: Volume) => Volume): Subject {
  return { ...subject, create: async (shape) => change(await subject.create(shape)) };
}

const withoutStates = ({ connect, dispose }: Volume): Volume => ({ connect, dispose });

describe('where a volume cannot say what a crash may leave', () => {
  test('the device is given up in the midst of its operations, and passes if it keeps their order', async () => {
    const subject = changed(groupLogSubject('group log'), withoutStates);
    await runCase(amid, subject, 512, { seed: 1, runs: 20 });
  });

  // Of the others, what is left when they are given up is in order.
  test.each(prefixSaboteurs.slice(0, 2).map(({ name, subject }) => [name, subject] as const))(
    'it is caught if it %s',
    async (_, subject) => {
      const run = runCase(amid, changed(subject, withoutStates), 512, { seed: 1, runs: 100 });
      await rejects(run, /after a crash .* without/);
    },
  );
});

test('a state that changes after it was opened is no state that a crash left', async () => {
  const late = ({ connect, dispose, crashStates }: Volume): Volume => ({
    connect,
    dispose,
    crashStates: (options) => (crashStates?.(options) ?? []).map(changesLate),
  });
  const run = runCase(plain, changed(groupLogSubject('late'), late), 512);
  await rejects(run, /opened again after a crash: sector 0 is writer 99, must be/);
});

/** What was on its way comes once the volume was opened. */
function changesLate({ connect, ...volume }: Volume): Volume {
  let opened = 0;
  return {
    ...volume,
    async connect(options) {
      const device = await connect(options);
      if (opened++ > 0) await device.write(0, [stamped(99, 0, 1, 512)]);
      return device;
    },
  };
}

test('no states at all are no answer', async () => {
  const none = ({ connect, dispose }: Volume): Volume => ({ connect, dispose, crashStates: () => [] });
  await rejects(runCase(plain, changed(groupLogSubject('none'), none), 512), /one state at least/);
});
