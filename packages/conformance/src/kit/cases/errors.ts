import { isBlockError } from '@blockyard/block';
import { ok, strictEqual } from '../../assertions/assertions.js';
import { expectWriters, outcome, refuses, writeStamped } from '../../model/expect.js';
import type { Case } from '../case.js';

/** The errors of calls made at once, each of which fails. */
async function errorsOf(calls: readonly (() => Promise<unknown>)[], what: string): Promise<unknown[]> {
  const found = await Promise.all(calls.map((call) => outcome(call, what)));
  return found.map((each) => {
    ok(!each.resolved, `${what} must fail`);
    return each.error;
  });
}

function expectOwn(errors: readonly unknown[], what: string): void {
  for (const error of errors) {
    ok(
      error instanceof Error && isBlockError(error),
      `${what} must reject with a BlockError, not with ${String(error)}`,
    );
    strictEqual(typeof error.retryable, 'boolean', `the error of ${what} must say whether it is retryable`);
    ok(error.message !== '', `the error of ${what} must say what is wrong`);
  }
  strictEqual(
    new Set(errors).size,
    errors.length,
    `of ${errors.length} callers of ${what}, each must get an error of its own`,
  );
}

/** Failures, and how they are reported. */
export const errorCases: readonly Case[] = [
  {
    clause: 'A1',
    title: 'A1: each caller gets an error of its own, with all that an error has',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const past = () => device.read(sizeSectors, [new Uint8Array(sectorSize)]);
      expectOwn(await errorsOf([past, past, past], 'a read past the end'), 'a read past the end');
      await device.disconnect();
      const flush = () => device.flush();
      expectOwn(await errorsOf([flush, flush, flush], 'a flush after the end'), 'a flush after the end');
    },
  },
  {
    clause: 'A1',
    title: 'A1: one failure of the base that reaches several callers is an error of its own for each',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      const { sectorSize } = context;
      base.fail('read', 'CORRUPT');
      const read = () => device.read(2, [new Uint8Array(2 * sectorSize)]);
      expectOwn(await errorsOf([read, read, read], 'a read that the base fails'), 'a read that the base fails');
      base.fail('flush', 'UNAVAILABLE');
      await writeStamped(device, 1, 0, 1);
      const flush = () => device.flush();
      expectOwn(await errorsOf([flush, flush, flush], 'a flush that the base fails'), 'a flush that the base fails');
    },
  },
  {
    clause: 'O1',
    title: 'O1: a read that the base failed once can be made again, and sees what was written',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await context.wrap();
      const { sectorSize } = context;
      // Behind the device's back, before it looks: it cannot have this in memory.
      await writeStamped(recording.device, 1, 3, 4);
      base.fail('read', 'UNAVAILABLE');
      const read = () => device.read(2, [new Uint8Array(4 * sectorSize)]);
      await refuses('UNAVAILABLE', read, 'a read that the base fails');
      await refuses('UNAVAILABLE', read, 'a read that the base fails again');
      base.heal();
      await expectWriters(device, 2, 'after the base has come back', [0, 1], [1, 4], [0, 1]);
    },
  },
];
