import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert';
import { describe, test } from 'vitest';
import { type Case, CLAUSES } from './case.js';
import { conformance, conformanceCases, runCase } from './conformance.js';
import { referenceSubject } from './reference.js';
import type { Subject } from './subject.js';

/** What the kit registers for the subject. */
function registered(subject: Subject): { groups: string[]; titles: string[] } {
  const groups: string[] = [];
  const titles: string[] = [];
  const describe = (title: string, body: () => void) => {
    groups.push(title);
    body();
  };
  conformance(subject, { describe, test: (title) => titles.push(title) });
  return { groups, titles };
}

describe('the list of cases', () => {
  test('has at least one for every clause', () => {
    const covered = new Set(conformanceCases().map(({ clause }) => clause));
    deepStrictEqual(
      CLAUSES.filter((clause) => !covered.has(clause)),
      [],
    );
  });

  test('has titles that begin with the clause, and no two alike', () => {
    for (const { clause, title } of conformanceCases()) ok(title.startsWith(`${clause}: `), title);
    const titles = conformanceCases().map(({ title }) => title);
    strictEqual(new Set(titles).size, titles.length);
  });
});

describe('the kit', () => {
  test('runs at three sector sizes unless the subject has others', () => {
    deepStrictEqual(registered(referenceSubject).groups, [
      'reference, sectors of 512 bytes',
      'reference, sectors of 4096 bytes',
      'reference, sectors of 65536 bytes',
    ]);
    deepStrictEqual(registered({ ...referenceSubject, sectorSizes: [2048] }).groups, [
      'reference, sectors of 2048 bytes',
    ]);
  });

  test('leaves out what the subject has not, and only that', () => {
    const count = (subject: Partial<Subject>) => {
      return registered({ ...referenceSubject, sectorSizes: [512], ...subject }).titles.length;
    };
    const needing = (...needs: string[]) => {
      return conformanceCases().filter((each) => each.needs?.some((need) => needs.includes(need))).length;
    };
    const total = conformanceCases().length;
    strictEqual(count({}), total - needing('huge', 'wrap', 'fixedSize'));
    strictEqual(count({ hugeSectors: 2 ** 40 }), total - needing('wrap', 'fixedSize'));
    strictEqual(count({ persistent: false }), total - needing('huge', 'wrap', 'fixedSize', 'persistent'));
    strictEqual(count({ readOnly: false }), total - needing('huge', 'wrap', 'fixedSize', 'readOnly'));
    strictEqual(count({ resizable: false }), total - needing('huge', 'wrap', 'resizable'));
    strictEqual(count({ wrap: async (base) => base }), total - needing('huge', 'fixedSize'));
  });

  test('fails a case that hangs', async () => {
    const hanging: Case = { clause: 'O2', title: 'O2: hangs', run: () => new Promise(() => {}) };
    await rejects(runCase(hanging, referenceSubject, 512, { deadlineMs: 10 }), /did not settle within 10 ms/);
  });

  test('disconnects and disposes of all that a case opened, also if it failed', async () => {
    const events: string[] = [];
    const subject: Subject = {
      ...referenceSubject,
      async create(shape) {
        const volume = await referenceSubject.create(shape);
        return {
          async connect() {
            const device = await volume.connect();
            const { disconnect } = device;
            device.disconnect = (options) => {
              events.push('disconnect');
              return Reflect.apply(disconnect, device, [options]);
            };
            return device;
          },
          async dispose() {
            events.push('dispose');
          },
        };
      },
    };
    const failing: Case = {
      clause: 'A1',
      title: 'A1: fails',
      async run(context) {
        await context.open();
        throw new Error('as it must');
      },
    };
    await rejects(runCase(failing, subject, 512), /as it must/);
    deepStrictEqual(events, ['disconnect', 'dispose']);
  });
});

describe('a random workload that fails', () => {
  /** Loses what is written to sector 3. */
  const forgetful: Subject = {
    ...referenceSubject,
    async create(shape) {
      const volume = await referenceSubject.create(shape);
      return {
        ...volume,
        async connect(options) {
          const device = await volume.connect(options);
          const { write } = device;
          device.write = (start, buffers) => {
            return start === 3 ? Promise.resolve() : Reflect.apply(write, device, [start, buffers]);
          };
          return device;
        },
      };
    },
  };
  const random = conformanceCases().find(({ title }) => title.startsWith('O1: whatever random')) as Case;

  test('tells what is wrong, a small workload, the seed, and how to replay it', async () => {
    await rejects(runCase(random, forgetful, 512, { seed: 5, runs: 50 }), (error: Error) => {
      match(error.message, /sector 3 reads as zeroes, but may only read as writer 1/);
      match(error.message, /"kind":"write","at":3,"sectors":1/);
      match(error.message, /conformance\(subject, runner, \{ seed: 5, runs: 50 \}\)/);
      return true;
    });
  });

  test('fails in the same way when it is replayed', async () => {
    const messageOf = (seed?: number) =>
      runCase(random, forgetful, 512, { runs: 50, ...(seed === undefined ? {} : { seed }) }).then(
        () => '',
        (error: Error) => error.message,
      );
    const first = await messageOf();
    const seed = Number(/Seed (\d+)/.exec(first)?.[1]);
    strictEqual(await messageOf(seed), first);
  });
});
