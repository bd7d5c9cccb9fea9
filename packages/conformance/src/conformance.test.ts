import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert';
import type { BlockDevice } from '@blockyard/block';
import { describe, test } from 'vitest';
import { conformance, conformanceCases, runCase } from './conformance.js';
import { type Case, CLAUSES } from './kit/case.js';
import { referenceSubject } from './kit/reference-subject.js';
import type { Subject } from './kit/subject.js';
import { expectContents, writeStamped } from './model/expect.js';
import { saboteur } from './saboteurs/saboteur.js';

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

/** The reference subject with some of its devices' methods replaced. */
function spoilt(sabotage: (device: BlockDevice) => Partial<BlockDevice>): Subject {
  return saboteur('O1', 'spoilt', sabotage).subject;
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
      const { titles } = registered({ ...referenceSubject, sectorSizes: [512], ...subject });
      return titles.filter((title) => !title.startsWith('left out: ')).length;
    };
    const without = (...needs: string[]) => {
      return conformanceCases().filter((each) => !each.needs?.some((need) => needs.includes(need))).length;
    };
    const common = ['huge', 'wrap', 'fixedSize', 'longWrites', 'prefixConsistent'];
    const allBut = (need: string) => without(...common.filter((each) => each !== need));
    strictEqual(count({}), without(...common));
    strictEqual(count({ hugeSectors: 2 ** 40 }), allBut('huge'));
    strictEqual(count({ persistent: false }), without(...common, 'persistent'));
    strictEqual(count({ readOnly: false }), without(...common, 'readOnly'));
    strictEqual(count({ resizable: false }), without('huge', 'wrap', 'longWrites', 'prefixConsistent', 'resizable'));
    strictEqual(count({ prefixConsistent: true }), allBut('prefixConsistent'));
    strictEqual(count({ wrap: async (base) => base }), allBut('wrap'));
  });

  test('says in a line of each group that is left out how many cases it has, and why', () => {
    const lines = (subject: Partial<Subject>) => {
      const { titles } = registered({ ...referenceSubject, sectorSizes: [512], ...subject });
      return titles
        .filter((title) => title.startsWith('left out: '))
        .map((line) => line.replace(/\d+/, 'N'))
        .sort();
    };
    const most = { hugeSectors: 2 ** 40, longWrites: true, prefixConsistent: true };
    deepStrictEqual(lines({ ...most, wrap: async (base) => base }), [
      'left out: N case of devices of one size: resizable is not false',
    ]);
    deepStrictEqual(lines({ persistent: false, readOnly: false, resizable: false }), [
      'left out: N case of writes of more than 2 GiB: longWrites is false',
      'left out: N cases of a base that is held up and fails: wrap is not given',
      'left out: N cases of huge volumes: hugeSectors is not given',
      'left out: N cases of read-only devices: readOnly is false',
      'left out: N cases of resizing: resizable is false',
      'left out: N cases of the order of writes across crashes: prefixConsistent is false',
      'left out: N cases of volumes that are opened again: persistent is false',
    ]);
  });

  test('fails a case that hangs', async () => {
    const hanging: Case = { clause: 'O2', title: 'O2: hangs', run: () => new Promise(() => {}) };
    await rejects(runCase(hanging, referenceSubject, 512, { deadlineMs: 10 }), /did not settle within 10 ms/);
  });

  test('names the operations that a hang is of', async () => {
    const subject = spoilt((device) => ({
      write: (start, buffers) => (start === 3 ? new Promise(() => {}) : device.write(start, buffers)),
      flush: () => new Promise(() => {}),
    }));
    const hanging: Case = {
      clause: 'O2',
      title: 'O2: hangs',
      async run(context) {
        const device = await context.open();
        await device.write(0, [new Uint8Array(512)]);
        const calls = [device.write(3, [new Uint8Array(1024)]), device.read(0, [new Uint8Array(512)]), device.flush()];
        await Promise.all(calls);
      },
    };
    await rejects(
      runCase(hanging, subject, 512, { deadlineMs: 50 }),
      /within 50 ms; these have not settled: write of sectors 3 to 4, flush$/,
    );
  });

  test('names the sectors of a failure, and tells how they are wrong', async () => {
    const subject = spoilt((device) => ({
      async read(start, buffers) {
        const bytes = new Uint8Array(12 * 512);
        await device.read(0, [bytes]);
        bytes.copyWithin(4 * 512, 5 * 512, 6 * 512);
        bytes.fill(0, 7 * 512 + 256, 9 * 512);
        bytes.fill(0xa5, 10 * 512, 12 * 512);
        for (const buffer of buffers) buffer.set(bytes.subarray(start * 512, start * 512 + buffer.byteLength));
      },
    }));
    const failing: Case = {
      clause: 'O1',
      title: 'O1: fails',
      async run(context) {
        const device = await context.open(12);
        await writeStamped(device, 1, 0, 12);
        await expectContents(device, 'after the write', [1, 12]);
      },
    };
    const expected = [
      'after the write: sector 4 is what belongs in sector 5, of writer 1, must be writer 1',
      'sector 7 is torn (writer 1 up to byte 256), must be writer 1',
      'sector 8 is zeroes, must be writer 1',
      'sectors 10 to 11 are bytes 0xa5 throughout, must be writer 1',
    ];
    await rejects(runCase(failing, subject, 512), { message: expected.join('; ') });
  });

  test('leaves its own time-out to end before those of runners', () => {
    const timeouts: number[] = [];
    const collect = { describe: (_: string, body: () => void) => body() };
    const options = { deadlineMs: 1000, runs: 4 };
    conformance(referenceSubject, { ...collect, test: (_, __, timeoutMs) => timeouts.push(timeoutMs) }, options);
    ok(Math.min(...timeouts) > 2000 && Math.max(...timeouts) > 8000, timeouts.join());
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
