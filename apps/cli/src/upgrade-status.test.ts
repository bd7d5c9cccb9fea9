import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askServer } from './serve/http/client.js';
import type { ProcessStatus } from './serve/status/volumes-watch.js';
import { blockyard, makeFolder, runHere, serve } from './testing/cli.js';
import { hangingAt } from './testing/successors.js';

const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
let folder: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());

test.each([
  ['ready', 'starting', '--dry-run'],
  ['caughtUp', 'preparing'],
  ['opened', 'opening'],
])(
  'status tells of an upgrade that hangs at "%s" that it is %s, and then why it failed',
  async (type, step, ...options) => {
    await writeFile(folder.in(`${type}.img`), new Uint8Array(2 ** 20));
    const socket = folder.in(`${type}.sock`);
    const args = [`file:${folder.in(`${type}.img`)}`, '--nbd', `unix:${socket}`];
    const { child, ended } = await serve(args);
    const address = { socketPath: `${socket}.control` };
    const status = () => askServer<ProcessStatus>(address, 'GET', '/v1/status');
    expect((await status()).upgrade).toEqual({ underWay: null, lastFailure: null });
    const asked = blockyard(['serve', ...args, '--upgrade', ...options], { node: hangingAt(type) });
    let found = await status();
    while (found.upgrade.underWay?.step !== step) found = await status();
    const { successor, since } = found.upgrade.underWay;
    const isDryRun = options.length > 0;
    expect(found.upgrade).toEqual({
      underWay: { since: expect.stringMatching(ISO), step, successor: expect.any(Number), isDryRun },
      lastFailure: null,
    });
    // A trial is no hand-over.
    expect(await handOvers(address)).toEqual(isDryRun ? [0, 0] : [1, 0]);
    const trial = isDryRun ? ' \\(only tried out\\)' : '';
    const text = (await runHere(['status', socket])).stdout;
    expect(text).toMatch(new RegExp(`^upgrade +${step}${trial}, process ${successor}, since ${since}$`, 'm'));
    process.kill(successor ?? 0, 'SIGKILL');
    expect((await asked).code).toBe(1);
    expect((await status()).upgrade).toEqual({
      underWay: null,
      lastFailure: { at: expect.stringMatching(ISO), step, isDryRun, message: 'the successor is gone' },
    });
    expect(await handOvers(address)).toEqual(isDryRun ? [0, 0] : [0, 1]);
    expect((await runHere(['status', socket])).stdout).toMatch(
      new RegExp(`^upgrade +failed at \\S+Z, ${step}${trial}: the successor is gone$`, 'm'),
    );
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  },
);

/** Whether one is under way, and how many have failed, as Prometheus is told. */
async function handOvers(address: { readonly socketPath: string }): Promise<number[]> {
  const asked = get({ ...address, path: '/metrics', headers: { host: 'localhost' }, agent: false });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const metrics = await textOf(response);
  return ['handing_over', 'failed_hand_overs_total'].map((name) =>
    Number(new RegExp(`^blockyard_nbd_${name} (\\d+)$`, 'm').exec(metrics)?.[1]),
  );
}
